"""The Generate page, piece by piece."""
