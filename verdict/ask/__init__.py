"""What a user can ask, one file a question; and the values that a question is made of."""
