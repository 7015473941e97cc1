"""Bounds of hidden neurons by searching: each neuron tightened on its own, by programs or by branch and bound."""
