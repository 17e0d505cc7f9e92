"""What solvers run by their tool: programs for the sandbox, standing alone; nothing of ours imports them."""
