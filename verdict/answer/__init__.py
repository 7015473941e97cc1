"""What a user gets: results, the gate that mints them, and the replays that it asks for."""
