"""What the engines are made of: how each decides a problem, and how each closes the interval of a radius."""
