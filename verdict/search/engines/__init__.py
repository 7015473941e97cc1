"""The engines: each decides a problem, and closes what an attack and bounds have left open of a radius."""
