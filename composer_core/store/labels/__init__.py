"""Label events in a database, and what counts now."""
