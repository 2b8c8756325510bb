"""Suggest, decide, review, count and exchange labels."""
