"""Drivers of the composer experiments: packing, training runs, two-sample test, the log of rows."""
