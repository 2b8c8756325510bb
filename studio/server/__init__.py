"""The studio's doors: who may connect at all, what a browser is told, and, on a network, who has signed in."""
