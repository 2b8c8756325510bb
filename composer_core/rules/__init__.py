"""Loop to Loop; pure and seeded: quantise, swing, humanise, velocity, tempo."""
