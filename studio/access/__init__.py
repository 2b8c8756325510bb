"""Who is at the other end of a session, and what a page may offer them."""
