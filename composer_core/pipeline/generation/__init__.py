"""Takes: generated, chosen, performed, edited, heard and approved."""
