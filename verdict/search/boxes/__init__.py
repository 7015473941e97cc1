"""Branch and bound on boxes of inputs: one technique a file."""
