"""The scikit-learn image: script mode, training and serving."""
