"""The text on screen, in English and Japanese."""
