"""Which genre family a loop belongs to."""
