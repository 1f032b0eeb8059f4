"""`serve` of the scikit-learn image: the user's hooks, with defaults for JSON, CSV and NPY."""

from __future__ import annotations

from typing import Any

from include.local_aws.containers.toolkit import arrays
from include.local_aws.containers.toolkit.framework import serve_script


class Defaults:
    """The hooks that a script may leave out; it must define model_fn."""

    input_fn = staticmethod(arrays.decode)
    output_fn = staticmethod(arrays.encode)

    @staticmethod
    def predict_fn(data: Any, model: Any) -> Any:
        """Predictions of a model of scikit-learn.

        :param data: shape (rows, features).
        :return: shape (rows,) or (rows, outputs).
        """
        return model.predict(data)


def main() -> int:
    """Serve until SIGTERM; the exit code is 1 when the script cannot be served."""
    return serve_script(Defaults)
