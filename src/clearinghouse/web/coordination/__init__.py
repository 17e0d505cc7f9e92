"""Case rooms as pages: what a viewer may see of one, drawn, and a form for everything that can be done in it."""
