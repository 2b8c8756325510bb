"""Calibrate and validate the scores."""
