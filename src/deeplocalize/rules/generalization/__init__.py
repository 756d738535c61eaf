"""What the training result is worth on other data."""
