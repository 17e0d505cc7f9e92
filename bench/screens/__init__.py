"""How long the two heavy screens take: a very large case room, and an inbox of many reports."""
