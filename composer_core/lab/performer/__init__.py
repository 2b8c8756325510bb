"""Train and evaluate the shipped performers."""
