"""Files -> Songs -> Loops, or a refusal with its reason."""
