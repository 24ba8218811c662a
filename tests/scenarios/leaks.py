"""Looking for tokens where none may be: in what programs write down (SX-3).

A token is worth something with its signature only, so pieces of that are looked for: as they
are, in hexadecimal, and in base64 at each alignment, which is how the routes pass credentials.
"""

from __future__ import annotations

import re

from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path


PIECE = 24
"Characters; shorter than any signature, longer than what could be there by chance."

_RUN = re.compile(rb"[A-Za-z0-9+/=_-]{%d,}" % PIECE)
_WIRE = re.compile(rb"WIRE \S+ ([0-9a-f]+)")
"What the lab's S-CSCF writes of each request, in hexadecimal."


_QUOTED = re.compile(
    rb"^ *\d+\(\d+\) ERROR: <core> \[core/parser/.*\n(?:(?! *\d+\(\d+\) ).*\n)*", re.MULTILINE
)


def leaks(tokens: Iterable[str], logs: Iterable[Path]) -> list[str]:
    """Return where a token of *tokens* shows in *logs*: file, line and the form it has there."""
    pieces = {piece: form for token in tokens for piece, form in _pieces(token)}
    return [
        f"{path.parent.name}/{path.name}:{number}: {form}"
        for path in logs
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1)
        for form in _forms_in(line, pieces)
    ]


def write_filtered(log: Path, to: Path) -> Path:
    """Write *log* less what Kamailio's parser quotes, as the log daemon is told to."""
    to.write_bytes(_QUOTED.sub(b"", log.read_bytes()))
    return to


def _forms_in(line: bytes, pieces: dict[bytes, str]) -> set[str]:
    wire = _WIRE.search(line)
    text = bytes.fromhex(wire[1].decode()) if wire else line
    return {
        pieces[run[start : start + PIECE]]
        for run in _RUN.findall(text)
        for start in range(len(run) - PIECE + 1)
        if run[start : start + PIECE] in pieces
    }


def _pieces(token: str) -> Iterator[tuple[bytes, str]]:
    secret = token.rpartition(".")[2].encode()
    for part in (secret[: 2 * PIECE], secret[-2 * PIECE :]):
        yield part[:PIECE], "plain"
        yield part.hex().encode()[:PIECE], "hexadecimal"
        for start in range(3):
            yield b64encode(part[start:])[:PIECE], "base64"
