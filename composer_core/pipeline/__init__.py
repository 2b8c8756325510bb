"""The services that pages and commands share."""
