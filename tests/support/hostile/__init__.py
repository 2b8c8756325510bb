"""Hostile files, and every place of the software that reads a file somebody else made."""
