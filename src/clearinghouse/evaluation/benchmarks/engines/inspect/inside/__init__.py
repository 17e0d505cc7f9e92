"""Programs that run in Inspect's environment and never in ours: this package is read as files and imported by nobody here."""
