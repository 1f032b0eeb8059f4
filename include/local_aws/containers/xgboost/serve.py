"""`serve` of the XGBoost image: the built-in algorithm's model, or the hooks of the user's script."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from include.local_aws.containers.toolkit.code import BadCode
from include.local_aws.containers.toolkit.framework import serve_script
from include.local_aws.containers.toolkit.serving import HttpError, media_type, serve
from include.local_aws.containers.xgboost import import_without_scikit_learn


class Defaults:
    """The hooks that a script may leave out: any model of XGBoost, CSV, JSON or NPY in and out."""

    @staticmethod
    def model_fn(folder: str) -> Any:
        """The model in a folder.

        :raises BadCode: when the folder has no model of XGBoost.
        """
        from include.local_aws.containers.xgboost import model

        return model.load(Path(folder))

    @staticmethod
    def input_fn(body: bytes, content_type: str) -> Any:
        """The rows of a body as a matrix of shape (rows, features).

        :raises HttpError: 415 for an unsupported type (libsvm too), 400 for a body that is not of its type.
        """
        import xgboost

        from include.local_aws.containers.toolkit import arrays
        from include.local_aws.containers.xgboost.data import LIBSVM

        if media_type(content_type) == LIBSVM:
            raise HttpError(415, "text/libsvm needs an input_fn of the script's own.")
        return xgboost.DMatrix(arrays.decode(body, content_type))

    @staticmethod
    def predict_fn(data: Any, booster: Any) -> Any:
        """Scores, shape (rows,) or (rows, classes)."""
        return booster.predict(data, validate_features=False)

    @staticmethod
    def output_fn(prediction: Any, accept: str) -> Any:
        """Body and content type of an answer.

        :raises HttpError: 406 for an unsupported type.
        """
        from include.local_aws.containers.toolkit import arrays

        return arrays.encode(prediction, accept)


def main() -> int:
    """Serve until SIGTERM; the exit code is 1 when the model or script cannot be served."""
    if os.environ.get("SAGEMAKER_PROGRAM"):
        return serve_script(Defaults, otherwise="text/csv")
    import_without_scikit_learn()
    from include.local_aws.containers.xgboost import model

    try:
        predictor = model.AlgorithmPredictor()
    except BadCode as error:
        print(f"The model cannot be served: {error}", file=sys.stderr)
        return 1
    serve(predictor)
    return 0
