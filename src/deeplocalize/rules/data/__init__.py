"""What the program is trained on."""
