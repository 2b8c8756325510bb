"""Data sets and the predecessor's files, imported with what they say of their loops."""
