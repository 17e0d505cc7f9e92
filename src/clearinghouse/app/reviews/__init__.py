"""Reviews of models wired to an instance: what people do in them (`deeds`), their statements, and what the clock does."""
