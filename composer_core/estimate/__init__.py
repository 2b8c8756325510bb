"""Loop features to emotion, genre and technique with a confidence and reasons."""
