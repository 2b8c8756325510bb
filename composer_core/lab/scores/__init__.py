"""Calibrating and validating the scores."""
