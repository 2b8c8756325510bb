"""Rules applied to whole files and to loops of the library."""
