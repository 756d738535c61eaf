"""What is minimized, and whether the output and the labels fit it."""
