"""Branch and bound on the phases of ReLUs: one technique a file."""
