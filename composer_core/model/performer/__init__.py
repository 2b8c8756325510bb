"""The performer: the model that plays written notes."""
