"""Watching Keras 3, on its tensorflow, jax and torch backends. Keras is imported in this folder alone."""
