"""Where a demo may play, and how it shows that it is at work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import Progress


def check_is_no_production() -> None:
    """Raises CommandError for a site that is served over HTTPS: real people use it."""
    if settings.HTTPS:
        raise CommandError(
            "The demo makes people and lessons, and this site is set up for HTTPS, as in "
            "production. Run ./attn demo on a machine of your own, or set ATTN_HTTPS=false."
        )


@contextmanager
def stage(title: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """What the block does, on stderr: a bar on a terminal, elsewhere lines with seconds."""
    console, began = Console(stderr=True), monotonic()
    if not console.is_terminal:
        console.print(f"{title}...", highlight=False)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total)
        yield lambda count: progress.advance(task, count)
    if not console.is_terminal:
        console.print(f"{title}: {monotonic() - began:.1f} s", highlight=False)
