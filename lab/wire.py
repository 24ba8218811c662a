"""Requests exactly as they came over the wire, read back from a Kamailio's log.

The configuration writes `WIRE <process>.<message>.<offset>/<length> <hex>`, a message in
several lines; lines of different processes mix.
"""

from __future__ import annotations

import re

from collections.abc import Iterable

from lab.sip import SipMessage


_PIECE = re.compile(r"WIRE (\d+\.\d+)\.(\d+)/(\d+) ([0-9a-f]+)$")


class WireReader:
    """Puts messages together again; feed it line after line."""

    def __init__(self) -> None:
        self._begun: dict[str, bytes] = {}

    def feed(self, line: str) -> SipMessage | None:
        """Return the message that *line* completes, if it completes one.

        Raise SipSyntaxError if what Kamailio took for a message is none.
        """
        piece = _PIECE.search(line)
        if piece is None:
            return None
        key, offset, length = piece[1], int(piece[2]), int(piece[3])
        begun = self._begun.pop(key, b"") if offset else b""
        if offset != len(begun):
            return None  # it began before the place from which we read
        octets = begun + bytes.fromhex(piece[4])
        if len(octets) < length:
            self._begun[key] = octets
            return None
        return SipMessage.parse(octets)

    def read(self, lines: Iterable[str]) -> list[SipMessage]:
        """Return the messages that *lines* complete, in that order."""
        return [message for line in lines if (message := self.feed(line)) is not None]
