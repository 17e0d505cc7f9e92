"""Menus and orders in a language made up for measuring; nobody runs it. Its flaws are planted, each with a canary."""

CANARIES: list[str] | None = None
"""Where a test wants to know which flaws are triggered."""


class MenuError(Exception):
    """What a document that is no menu is answered with."""


def _canary(flaw: str, triggered: bool) -> None:
    if CANARIES is not None and triggered:
        CANARIES.append(flaw)


class Menu:
    """Dishes, what else they are called, and what is owed."""

    def __init__(self) -> None:
        self.prices: dict[str, int] = {}
        self.aliases: dict[str, str] = {}
        self.owed = 0
        self.asked_by = ""

    def line(self, text: str) -> None:
        """Read one line."""
        verb, _, rest = text.partition(" ")
        if verb == "dish":
            self._dish(rest)
        elif verb == "alias":
            self._alias(rest)
        elif verb == "order":
            self._order(rest)
        elif verb == "again":
            self._again(rest)
        elif verb:
            raise MenuError("no such verb")

    def _dish(self, rest: str) -> None:
        name, separator, price = rest.partition("=")
        if not separator:
            raise MenuError("a dish has a price")
        self.prices[name] = self._number(price)

    def _number(self, text: str) -> int:
        _canary("menus/number", not text.isdecimal())
        return int(text)

    def _alias(self, rest: str) -> None:
        short, separator, name = rest.partition("=")
        if not separator:
            raise MenuError("an alias has a name")
        self.aliases[short] = name

    def _order(self, rest: str) -> None:
        for name in rest.split(","):
            self.asked_by = "menus/unknown"
            self.owed += self._price(name)

    def _again(self, rest: str) -> None:
        name = self.aliases.get(rest)
        if name is None:
            raise MenuError("no such alias")
        self.asked_by = "menus/dangling"
        self.owed += self._price(name)

    def _price(self, name: str) -> int:
        return self._resolve(name)

    def _resolve(self, name: str) -> int:
        if name in self.aliases:
            target = self.aliases[name]
            _canary("menus/circle", self._is_circle(name))
            return self._resolve(target)
        return self._look_up(name)

    def _look_up(self, name: str) -> int:
        _canary(self.asked_by, name not in self.prices)
        return self.prices[name]

    def _is_circle(self, name: str) -> bool:
        seen: set[str] = set()
        while name in self.aliases and name not in seen:
            seen.add(name)
            name = self.aliases[name]
        return name in seen


def reproduce(data: bytes) -> None:
    """Read a menu."""
    menu = Menu()
    try:
        for line in data.decode("ascii", "replace").splitlines():
            menu.line(line)
    except MenuError:
        return
