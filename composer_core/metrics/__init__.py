"""Loop to numbers with units; pure."""
