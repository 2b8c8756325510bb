"""Import data sets and the predecessor's files, with their facts about the loops."""
