"""Train and evaluate the shipped estimators."""
