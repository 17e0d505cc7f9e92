"""How well crash stacks say which crashes are one flaw."""
