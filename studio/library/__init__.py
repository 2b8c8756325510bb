"""The Library page, piece by piece."""
