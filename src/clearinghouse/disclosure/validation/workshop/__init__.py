"""The workshop: builds what a recipe says, runs inputs on it as often as policy says, and remembers both by content.

It knows a sandbox and bytes by digest; no database, no case, no person.
"""

from clearinghouse.disclosure.validation.workshop.materials import (
    Cache,
    FolderMaterials,
    JoinedMaterials,
    MadeMaterials,
    Materials,
    MemoryCache,
)
from clearinghouse.disclosure.validation.workshop.records import Build, Stopped
from clearinghouse.disclosure.validation.workshop.workshop import Workshop

__all__ = ["Build", "Cache", "FolderMaterials", "JoinedMaterials", "MadeMaterials", "Materials", "MemoryCache", "Stopped", "Workshop"]
