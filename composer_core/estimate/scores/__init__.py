"""Five axes and a total, 0 to 100: how human a loop looks."""
