"""Building and evaluating the shipped composers."""
