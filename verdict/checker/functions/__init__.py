"""Pointwise functions as the checker sees them: a twin of network/functions, from which it takes nothing."""
