"""Points: attacks, and the nearest or best point of a linear region."""
