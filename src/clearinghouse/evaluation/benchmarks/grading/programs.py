"""The two programs that most graders are made of, as bytes to put into an item."""

from pathlib import Path

_INSIDE = Path(__file__).parent / "inside"

DRIVE = (_INSIDE / "drive.py").read_bytes()
"""The probe of an item whose cases are runs of a Python program."""
COMPARE = (_INSIDE / "compare.py").read_bytes()
"""The judge that goes with it."""
