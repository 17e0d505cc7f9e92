"""Programs that run inside the sandbox, by an interpreter of its own: they import nothing of ours, and nothing of ours imports them."""
