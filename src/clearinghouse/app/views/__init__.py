"""Reads that join capabilities, one file per screen. Each names its viewer; nothing else may join stores."""
