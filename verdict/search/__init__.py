"""Looking for a proof or a counterexample: the attack, the engines, and the search for the radius."""
