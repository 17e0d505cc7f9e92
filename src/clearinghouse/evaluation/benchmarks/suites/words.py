"""Made-up names that items are told in, and addresses that belong to nobody."""

from clearinghouse.evaluation.benchmarks.suites.base import Draws

NOUNS = (
    "anchor", "barrel", "basket", "beacon", "blanket", "bottle", "bridge", "bucket", "button", "candle", "canvas", "carpet", "castle", "cellar",
    "copper", "cotton", "cradle", "curtain", "dagger", "falcon", "feather", "fiddle", "garden", "garlic", "ginger", "hammer", "harbor", "hollow",
    "island", "jacket", "kettle", "ladder", "lantern", "lemon", "locket", "magnet", "marble", "meadow", "mirror", "mitten", "needle", "oyster",
    "paddle", "pepper", "pillow", "pocket", "puzzle", "quiver", "ribbon", "saddle", "sandal", "shovel", "silver", "spider", "teapot", "thimble",
    "timber", "tunnel", "velvet", "violet", "walnut", "window", "winter", "zephyr",
)  # fmt: skip
VERBS = (
    "borrow", "carry", "catch", "clear", "count", "fetch", "fill", "fold", "gather", "grant", "hold", "label", "lend", "lift", "list", "mark", "move",
    "pack", "paint", "park", "place", "polish", "pour", "press", "pull", "push", "rank", "reset", "ring", "roll", "seal", "send", "shift", "show",
    "slide", "sort", "split", "stack", "store", "swap", "take", "tell", "tie", "trim", "turn", "unpack", "visit", "wash", "weigh", "wrap",
)  # fmt: skip
PEOPLE = (
    "amira", "bashir", "carla", "dmitri", "elena", "farid", "greta", "hiro", "ines", "jonas", "kofi", "lucia", "marek", "nadia", "oskar", "priya",
    "quentin", "rosa", "samir", "tomas", "ulla", "viktor", "wanda", "ximena", "yusuf", "zofia",
)  # fmt: skip
SERVICES = ("mail", "files", "build", "docs", "wiki", "print", "chat", "stock", "plan", "phone", "photo", "map")


def documentation_addresses(draws: Draws, number: int) -> list[str]:
    """Different IPv4 and a few IPv6 addresses of the blocks kept for documentation (RFC 5737, RFC 3849)."""
    found: list[str] = []
    while len(found) < number:
        block = draws.pick(("192.0.2", "198.51.100", "203.0.113"))
        made = f"2001:db8:{draws.between(1, 4095):x}::{draws.between(1, 65_535):x}" if draws.chance(1, 8) else f"{block}.{draws.between(1, 254)}"
        if made not in found:
            found.append(made)
    return found


def clock_text(seconds: int) -> str:
    """A time of day, from seconds since midnight."""
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
