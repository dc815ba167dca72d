"""From bytes to text: the size first, then the encoding, which is never guessed."""

import codecs
import re
from io import BytesIO, TextIOWrapper
from itertools import islice
from typing import BinaryIO, Final, TextIO

from users.errors import EncodingUnknown, FileTooLarge, UnreadableFile
from users.errors import gettext_noop as _

MEGABYTE: Final = 1024 * 1024
MOST_BYTES: Final = 50 * MEGABYTE
FALLBACKS: Final = ("cp1254", "cp1252")
"""What older spreadsheets write; they differ in six Turkish letters, so a person chooses."""
SHOWN_NAMES: Final = 5
_LONGEST_SHOWN = 60
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK = MEGABYTE


def read_bounded(file: BinaryIO, *, most: int = MOST_BYTES) -> bytes:
    """All of a file. Raises FileTooLarge before more than the limit is read."""
    raw = file.read(most + 1)
    if len(raw) > most:
        raise FileTooLarge(most=most // MEGABYTE)
    return raw


def as_text(raw: bytes, *, fallback: str = "") -> TextIO:
    """The text of a file, its line ends as they are.

    UTF-16 where a mark says so, else UTF-8; only what is neither is read in the
    encoding that was chosen. Raises EncodingUnknown where none was chosen, and
    UnreadableFile for what the encoding cannot be.
    """
    return TextIOWrapper(BytesIO(raw), encoding=_encoding_of(raw, fallback), newline="")


def _encoding_of(raw: bytes, fallback: str) -> str:
    if raw.startswith(_UTF_16):
        if _is_encoded(raw, "utf-16"):
            return "utf-16"
        raise UnreadableFile(_("The file is damaged: it is not UTF-16. Save it as CSV UTF-8."))
    if b"\0" in raw[:_CHUNK].partition(b"\n")[0]:
        raise UnreadableFile(
            _("The file is not text: it has NUL characters. Save it as CSV UTF-8.")
        )
    if _is_encoded(raw, "utf-8"):
        return "utf-8"
    if not fallback:
        first, second = FALLBACKS
        raise EncodingUnknown(
            first=first,
            first_names=_sample(raw, first),
            second=second,
            second_names=_sample(raw, second),
        )
    if fallback in FALLBACKS and _is_encoded(raw, fallback):
        return fallback
    raise UnreadableFile(
        _("The file is neither UTF-8 nor %(encoding)s. Save it as CSV UTF-8."), encoding=fallback
    )


def _is_encoded(raw: bytes, encoding: str) -> bool:
    """Whether all of it can be decoded; piece by piece, so that the text is not held as well."""
    decode = codecs.getincrementaldecoder(encoding)().decode
    try:
        for start in range(0, len(raw), _CHUNK):
            decode(raw[start : start + _CHUNK])
        decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _sample(raw: bytes, encoding: str) -> str:
    """Up to five cells that tell encodings apart, as they would read."""
    lines = BytesIO(raw)
    # The names of columns tell nothing of people.
    next((line for line in lines if line.strip(b"\r\n,;\t ")), b"")
    cells = (
        cell.strip(' "\t\r\n')[:_LONGEST_SHOWN]
        for line in lines
        if not line.isascii()
        for cell in re.split("[,;\t]", line.decode(encoding, errors="replace"))
        if not cell.isascii()
    )
    return ", ".join(islice(dict.fromkeys(islice(cells, 10 * SHOWN_NAMES)), SHOWN_NAMES))
