"""How we watch: a folder for each framework, each of which turns what it sees into a trace."""
