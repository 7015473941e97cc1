"""The network on one box, written in the ReLUs that bend there: what many leaves of large networks are checked with."""
