"""Who may do what: the accounts of a shared studio, and the one table of rights that routes and acts are held to."""
