"""Estimate which genre family a loop belongs to."""
