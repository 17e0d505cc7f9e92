"""Case rooms over HTTP: one file a noun, each route one action or one view."""
