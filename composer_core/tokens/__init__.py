"""Turn a loop and its condition into token ids, and back. Pure."""
