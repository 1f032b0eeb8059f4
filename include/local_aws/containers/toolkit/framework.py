"""A predictor made of hooks: what the framework images serve in script mode."""

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

    :param defaults: a module with the framework's hooks, for those that the script does not define.
    """

    def __init__(self, script: ModuleType, defaults: Any, otherwise: str) -> None:
        self._hooks = hooks.complete(script, defaults)
        self._otherwise = otherwise
        if self._hooks.model_fn is None:
            raise BadCode("the script defines no model_fn, and this framework has no default for it")
        self._model = self._hooks.model_fn(str(paths.MODEL))

    def transform(self, body: bytes, content_type: str, accept: str) -> Any:
        """Answer one request with what the hooks make of it."""
        wanted, kind = default_accept(accept, self._otherwise), content_type or "application/json"
        if self._hooks.transform_fn is not None:
            return self._hooks.transform_fn(self._model, body, kind, wanted)
        prediction = self._hooks.predict_fn(self._hooks.input_fn(body, kind), self._model)
        answer = self._hooks.output_fn(prediction, wanted)
        return answer if callable(answer) or isinstance(answer, tuple) else (answer, wanted)

    def execution_parameters(self) -> dict[str, Any]:
        if self._hooks.execution_parameters_fn is not None:
            parameters: dict[str, Any] = self._hooks.execution_parameters_fn()
            return parameters
        return standard_parameters()


def serve_script(defaults: Any, otherwise: str = "application/json") -> int:
    """Serve the user's script; a script that cannot be used ends the container with the reason in its log."""
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
