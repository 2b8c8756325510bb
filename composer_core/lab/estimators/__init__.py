"""Training and evaluating the shipped estimators."""
