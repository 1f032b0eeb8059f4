"""What AWS's framework containers share: training environment, script mode, serving."""
