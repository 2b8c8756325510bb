"""The ja/en dictionary, one file a screen."""
