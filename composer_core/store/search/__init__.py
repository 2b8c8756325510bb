"""The data a search of the library reads, and the queries on it."""
