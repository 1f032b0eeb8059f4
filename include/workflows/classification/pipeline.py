"""A classifier as one unit: raw rows in, labels out, by three containers one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.aws.sagemaker_requests import algorithm_container, script_container

if TYPE_CHECKING:
    from include.aws.sagemaker_requests import Config


def inference_pipeline(
    *, sklearn: str, xgboost: str, transformer: str, model_data: str, bundle: str, threshold: float
) -> list[Config]:
    """The containers: features, XGBoost's score, label. Every argument but the last may be a template.

    :param sklearn, xgboost: images.
    :param transformer: S3 URI of the fitted feature transformer; it stands at both ends.
    :param model_data: S3 URI of the trained model.
    :param bundle: S3 URI of the job scripts; `inference.py` is one of them.
    :param threshold: a score above it is the positive label.
    """

    def end(mode: str) -> Config:
        environment = {"TRANSFORM_MODE": mode, "DECISION_THRESHOLD": str(threshold)}
        return script_container(
            sklearn, transformer, bundle=bundle, script="inference.py", environment=environment
        )

    return [
        end("feature-transform"),
        algorithm_container(xgboost, model_data),
        end("inverse-label-transform"),
    ]
