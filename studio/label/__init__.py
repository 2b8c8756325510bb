"""The Label page, piece by piece."""
