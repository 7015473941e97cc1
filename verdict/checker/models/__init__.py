"""Leaves excluded by Taylor models: polynomials with errors, for networks of smooth functions and few inputs."""
