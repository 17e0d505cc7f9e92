"""Recipes: what is built, what is run, and what is expected to happen; a versioned file that names every byte by its digest."""
