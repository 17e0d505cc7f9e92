"""How many requests the server takes, how fast, and what the framework alone would cost."""
