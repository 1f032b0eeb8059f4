"""`serve` of the scikit-learn image: the user's hooks, with defaults that speak JSON, CSV and NPY."""

from __future__ import annotations

from typing import Any

from include.local_aws.containers.toolkit import arrays
from include.local_aws.containers.toolkit.framework import serve_script


class Defaults:
    """What the script need not define; a model_fn it must."""

    input_fn = staticmethod(arrays.decode)
    output_fn = staticmethod(arrays.encode)

    @staticmethod
    def predict_fn(data: Any, model: Any) -> Any:
        return model.predict(data)


def main() -> int:
    return serve_script(Defaults)
