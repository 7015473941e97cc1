"""The command line: one file per command, argument handling only; `main.py` puts them together."""
