"""The library: import, measure, browse and compare its loops."""
