"""Estimate the key of some notes."""
