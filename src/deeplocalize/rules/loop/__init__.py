"""The order of calls in the training loop."""
