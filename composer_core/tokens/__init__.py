"""Loop and condition to token ids and back; pure."""
