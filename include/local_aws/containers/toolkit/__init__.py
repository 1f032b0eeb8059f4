"""The shared parts of the framework containers: training environment, script mode, serving."""
