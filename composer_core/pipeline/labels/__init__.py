"""Labels: what is suggested, decided, reviewed, counted and exchanged."""
