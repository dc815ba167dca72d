"""Examples at the end of a command's --help."""

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import CommandParser, DjangoHelpFormatter


class _Formatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Examples keep their lines; the description is wrapped as elsewhere."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith(_HEAD):
            return super()._fill_text(text, width, indent)
        wrap = super(RawDescriptionHelpFormatter, self)._fill_text
        return wrap(text, width, indent)


_HEAD = "examples:\n"


class WithExamples:
    """A command that shows how it is called; put it before BaseCommand."""

    examples: tuple[str, ...] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        lines = "\n".join(f"  {example}" for example in self.examples)
        kwargs |= {"epilog": f"{_HEAD}{lines}", "formatter_class": _Formatter}
        parser: CommandParser = super().create_parser(prog_name, subcommand, **kwargs)  # type: ignore[misc]
        return parser
