"""Loops and their notes on disk."""
