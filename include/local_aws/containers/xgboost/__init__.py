"""The XGBoost image: the built-in algorithm, and script mode."""
