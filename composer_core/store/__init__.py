"""The only room that knows Parquet, SQL and the folders on disk."""
