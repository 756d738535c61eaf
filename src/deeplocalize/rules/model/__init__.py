"""How the network is built and initialized."""
