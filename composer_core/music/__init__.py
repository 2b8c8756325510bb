"""What the words mean: loops, time, pitch, drums, affect, genre, conditions. No file, no torch."""
