"""Damaged workspaces: find what cannot be read, say what cures it, rebuild what can be rebuilt."""
