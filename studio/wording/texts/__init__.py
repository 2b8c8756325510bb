"""The dictionary of English and Japanese text, with one module per screen."""
