"""How the gradient travels through depth."""
