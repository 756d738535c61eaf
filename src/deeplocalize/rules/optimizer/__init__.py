"""What changes the weights, and how far."""
