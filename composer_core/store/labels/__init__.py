"""Label events in a database, and the current labels they result in."""
