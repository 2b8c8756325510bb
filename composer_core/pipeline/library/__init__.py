"""The library: importing, measuring, browsing, comparing and mending what it holds."""
