"""Charts, piano rolls and score bars drawn from data."""
