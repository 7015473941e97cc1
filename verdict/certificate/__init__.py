"""The gate: the one place where an engine's outcome becomes a verdict."""
