"""The cases, one a file; a new file is found by itself."""
