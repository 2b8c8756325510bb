"""Loop to MIDI bytes and to audio."""
