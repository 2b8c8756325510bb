"""The composer: the model that writes notes."""
