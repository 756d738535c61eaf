"""How it is said: one file for each format, each a function from diagnoses to text."""
