"""Bytes of text in any encoding, as UTF-8 lines that Arrow's CSV parser reads."""

from __future__ import annotations

import codecs
import io
import re
from typing import Any

from holdfast.core.errors import InputRefused

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_RUN = re.compile(rb"[ \t]+")
_STRAY = "holdfast.stray"


def _western(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 amid UTF-8 were almost always typed on a Western Windows."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error(_STRAY, _western)


def decoder(encoding: str) -> codecs.IncrementalDecoder:
    """A decoder that never fails: strays in UTF-8 are read as Western, other misfits become U+FFFD."""
    plain = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
    return codecs.getincrementaldecoder("utf-8-sig" if plain else encoding)(errors=_STRAY if plain else "replace")


def encoding_of(head: bytes, where: str) -> str:
    """The encoding of a file, from its first bytes.

    >>> encoding_of("Größe;Menge".encode("cp1252"), "x.csv"), encoding_of("客户编号,日期".encode("gb18030"), "x.csv")
    ('cp1252', 'gb18030')
    """
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    if b"\x00" in head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) > 0.3 * len(head) / 2 and min(even, odd) < 0.1 * max(even, odd):
            return "utf-16-be" if even > odd else "utf-16-le"
        raise InputRefused(
            "this is not a text file", where=where, remedy="give .csv, .tsv, .json, .parquet or .xlsx; see the README"
        )
    try:
        # A multi-byte letter may be cut at the end of the head.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=False)
    except UnicodeDecodeError:
        return _legacy(head)
    return "utf-8"


def _legacy(head: bytes) -> str:
    """Chinese or Western: GB18030 reads almost any bytes, so the letters that come out decide.

    Common Chinese letters and punctuation have a first byte of A1, A3 or B0 to D7 and a second from A1 on; two accented
    Western letters in a row are rare, and as a pair they would be rare Chinese ones.
    """
    try:
        codecs.getincrementaldecoder("gb18030")().decode(head, final=False)
    except UnicodeDecodeError:
        return "cp1252"
    pairs = re.findall(rb"[\x81-\xfe][\x30-\x7e\x80-\xfe]", head)
    common = sum((0xB0 <= one[0] <= 0xD7 or one[0] in (0xA1, 0xA3)) and one[1] >= 0xA1 for one in pairs)
    return "gb18030" if pairs and common >= 0.6 * len(pairs) else "cp1252"


class Utf8(io.RawIOBase):
    """A stream of bytes in some encoding as valid UTF-8."""

    def __init__(self, stream: Any, encoding: str, *, blanks: bool = False) -> None:
        self._stream = stream
        self._decoder = decoder(encoding)
        self._blanks = blanks
        self._rest = b""
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Exactly `size` bytes while there are as many (Arrow cuts blocks where a read ends); empty at the end."""
        size = size if size > 0 else 1 << 20
        pieces, length = [self._ready], len(self._ready)
        while length < size and not self._ended:
            pieces.append(self._next(size))
            length += len(pieces[-1])
        ready = b"".join(pieces)
        self._ready = ready[size:]
        return ready[:size] if self._ready else ready

    def _next(self, size: int) -> bytes:
        block = self._stream.read(size)
        self._ended = not block
        block = self._decoder.decode(block, final=self._ended).encode("utf-8", errors="replace")
        return self._squeezed(block) if self._blanks else block

    def readinto(self, buffer: Any) -> int:
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def _squeezed(self, block: bytes) -> bytes:
        """Runs of blanks as one tab, none at the ends of lines; whole lines only."""
        block = self._rest + block
        whole = len(block) if self._ended else block.rfind(b"\n") + 1
        self._rest, block = block[whole:], block[:whole]
        block = _RUN.sub(b"\t", block.replace(b"\r\n", b"\n"))
        block = block.replace(b"\t\n", b"\n").replace(b"\n\t", b"\n")
        return block.removeprefix(b"\t") if whole else block
