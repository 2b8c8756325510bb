"""Custom browser components, each with its script, style and markup."""
