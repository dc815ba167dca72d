"""What a browser says of itself, in two words: its own name and that of the system below it.

For whoever looks through a list of their own sessions; nothing is decided by it. The header itself,
which tells one machine from the next, is not kept.
"""

from typing import NamedTuple

LONGEST_READ = 1_000


class Browser(NamedTuple):
    name: str = ""
    system: str = ""
    """Both are '' where nobody can say."""


# Each names those that it descends from as well: the first that is found is meant.
_NAMES = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def browser_of(user_agent: str) -> Browser:
    """Read the header of a request."""
    text = user_agent[:LONGEST_READ]
    return Browser(_first(text, _NAMES), _first(text, _SYSTEMS))


def _first(text: str, known: tuple[tuple[str, str], ...]) -> str:
    return next((name for sign, name in known if sign in text), "")
