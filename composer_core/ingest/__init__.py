"""One MIDI file to songs and loops, or a refusal with a reason."""
