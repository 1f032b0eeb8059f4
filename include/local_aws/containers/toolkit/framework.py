"""The predictor of the framework images in script mode: it calls the hooks of the user's script."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from include.local_aws.containers.toolkit import hooks, paths
from include.local_aws.containers.toolkit.code import BadCode
from include.local_aws.containers.toolkit.serving import default_accept, serve, standard_parameters

if TYPE_CHECKING:
    from types import ModuleType


class HookedPredictor:
    """Loads the model once, then runs input_fn → predict_fn → output_fn (or transform_fn) for each request.

    :param defaults: the framework's hooks, used where the script does not define one.
    :param otherwise: the content type of answers to requests without Accept.
    :raises BadCode: when neither the script nor the framework has a model_fn.
    """

    def __init__(self, script: ModuleType, defaults: Any, otherwise: str) -> None:
        self._hooks = hooks.complete(script, defaults)
        self._otherwise = otherwise
        if self._hooks.model_fn is None:
            raise BadCode("the script defines no model_fn, and this framework has no default for it")
        self._model = self._hooks.model_fn(str(paths.MODEL))

    def transform(self, body: bytes, content_type: str, accept: str) -> Any:
        """The hooks' answer to one request.

        :raises HttpError: from a default hook, for a body or type that it does not support.
        """
        accept_type, body_type = default_accept(accept, self._otherwise), content_type or "application/json"
        if self._hooks.transform_fn is not None:
            return self._hooks.transform_fn(self._model, body, body_type, accept_type)
        prediction = self._hooks.predict_fn(self._hooks.input_fn(body, body_type), self._model)
        answer = self._hooks.output_fn(prediction, accept_type)
        return answer if callable(answer) or isinstance(answer, tuple) else (answer, accept_type)

    def execution_parameters(self) -> dict[str, Any]:
        """The script's own parameters, or the standard ones."""
        if self._hooks.execution_parameters_fn is not None:
            parameters: dict[str, Any] = self._hooks.execution_parameters_fn()
            return parameters
        return standard_parameters()


def serve_script(defaults: Any, otherwise: str = "application/json") -> int:
    """Serve the user's script until SIGTERM.

    :return: exit code, 1 for a script that cannot be used; the reason is in the log.
    """
    try:
        script = hooks.load_script()
        if script is None:
            raise BadCode("no script is named: set SAGEMAKER_PROGRAM")
        predictor = HookedPredictor(script, defaults, otherwise)
    except BadCode as error:
        print(f"The model cannot be served: {error}", file=sys.stderr)
        return 1
    serve(predictor)
    return 0
