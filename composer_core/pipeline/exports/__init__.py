"""Export the library for other programs: the master data set, pairs, the predecessor's files."""
