"""Training and evaluating the shipped performers."""
