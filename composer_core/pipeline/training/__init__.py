"""Training runs, and the windows of music they learn from."""
