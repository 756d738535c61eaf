"""The values inside the network."""
