"""What a search of the library reads, and its questions."""
