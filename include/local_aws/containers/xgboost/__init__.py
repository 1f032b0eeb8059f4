"""The XGBoost image: the built-in algorithm, and script mode."""

from __future__ import annotations

import sys
from importlib import import_module


def import_without_scikit_learn() -> None:
    """Import xgboost without scikit-learn, whose import takes most of the start time.

    For the built-in algorithm, which does not use XGBoost's scikit-learn interface.
    """
    if "sklearn" not in sys.modules:
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # reads as "not installed"
        import_module("xgboost")
        del sys.modules["sklearn"]
