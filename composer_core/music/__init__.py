"""The musical terms: loops, time, pitch, drums, affect, genre, conditions. No file, no torch."""
