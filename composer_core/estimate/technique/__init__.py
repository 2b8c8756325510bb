"""Estimate which playing techniques a loop shows, by rules and by trained questions."""
