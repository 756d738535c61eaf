"""PyTorch: any training loop, watched from outside. The optimizer step is the clock."""
