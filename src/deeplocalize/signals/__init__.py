"""What the numbers say: pure functions from arrays to arrays, over depth, over time, within units."""
