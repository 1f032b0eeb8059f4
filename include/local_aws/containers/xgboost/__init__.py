"""The XGBoost image: the built-in algorithm, and script mode."""

from __future__ import annotations

import sys
from importlib import import_module


def import_without_scikit_learn() -> None:
    """Import xgboost, which takes along scikit-learn where it is installed; that is most of the start's time.

    For the built-in algorithm, which has no use for XGBoost's scikit-learn interface.
    """
    if "sklearn" not in sys.modules:
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # reads as "not installed"
        import_module("xgboost")
        del sys.modules["sklearn"]
