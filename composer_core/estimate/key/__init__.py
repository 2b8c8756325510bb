"""Which key some notes are in."""
