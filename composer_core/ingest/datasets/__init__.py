"""One adapter a data set."""
