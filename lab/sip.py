"""SIP messages as tests see them: every header in its order and with its exact text.

* `SipMessage.parse` keeps what it read: `to_bytes` gives the same bytes back, folded lines
  and odd spaces included. Text is UTF-8; bytes that are not survive as surrogates.
* Look-ups ignore case and know the compact forms (RFC 3261 7.3.3); nothing else is mended.
  What a parser of a product would forgive is an error here, so that it gets noticed.
* No transport: a datagram or a WebSocket message goes in whole.
"""

from __future__ import annotations

import re

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


COMPACT_FORMS = {
    "b": "referred-by",
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}

_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) (.*)", re.DOTALL)
_REQUEST_LINE = re.compile(r"([A-Z][A-Z0-9.!%*_+`'~-]*) (\S+) SIP/2\.0")
_HEADER_NAME = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+(?=[ \t]*:)")
# RFC 3261 7.3.1: a line that begins with white space continues the one before.
_HEADER_END = re.compile(r"\r\n(?![ \t])")
_FOLD = re.compile(r"[ \t]*\r\n[ \t]+")
_STRAY_LINE_END = re.compile(r"\r(?!\n)|(?<!\r)\n")


class SipSyntaxError(ValueError):
    """These bytes are not one whole SIP message."""


@dataclass(frozen=True, slots=True)
class Header:
    """One header; `text` is all of it, without the line's end."""

    text: str

    @property
    def name(self) -> str:
        """The name as written."""
        return self.text.partition(":")[0].rstrip()

    @property
    def value(self) -> str:
        """What follows the colon; white space around it is dropped, folds inside are kept."""
        return self.text.partition(":")[2].strip()

    @property
    def unfolded(self) -> str:
        """The value on one line (RFC 3261 7.3.1)."""
        return _FOLD.sub(" ", self.value)

    def is_named(self, name: str) -> bool:
        """Tell whether this is the header *name*, in its long or its compact form."""
        return _long_form(self.name) == _long_form(name)


@dataclass(frozen=True, slots=True)
class SipMessage:
    """A request or a response."""

    start_line: str
    headers: tuple[Header, ...]
    body: bytes = b""

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read one whole message. Raise SipSyntaxError if it is anything else."""
        head, end, body = raw.partition(b"\r\n\r\n")
        if not end:
            raise SipSyntaxError(f"no end of headers: {raw[:80]!r}")
        text = head.decode(errors="surrogateescape")
        if _STRAY_LINE_END.search(text):
            raise SipSyntaxError(f"CR or LF alone: {text!r}")
        start_line, *lines = _HEADER_END.split(text)
        if not (_STATUS_LINE.fullmatch(start_line) or _REQUEST_LINE.fullmatch(start_line)):
            raise SipSyntaxError(f"no start line: {start_line[:80]!r}")
        for line in lines:
            if not _HEADER_NAME.match(line):
                raise SipSyntaxError(f"no header: {line[:80]!r}")
        message = cls(start_line, tuple(map(Header, lines)), body)
        # RFC 7118 does without Content-Length; where there is one, it is to be true.
        announced = message.get("Content-Length")
        if announced is not None and announced != str(len(body)):
            raise SipSyntaxError(f"body of {len(body)} bytes, announced: {announced!r}")
        return message

    @classmethod
    def request(
        cls, method: str, uri: str, headers: Iterable[tuple[str, str]], body: bytes = b""
    ) -> Self:
        """Make a request with these headers, in this order; Content-Length is added."""
        return cls._make(f"{method} {uri} SIP/2.0", headers, body)

    def reply(
        self,
        status: int,
        phrase: str,
        headers: Iterable[tuple[str, str]] = (),
        tag: str = "lab",
        body: bytes = b"",
    ) -> SipMessage:
        """Make the response to this request (RFC 3261 8.2.6); To gets *tag* if it has none."""
        copied = ("Via", "From", "To", "Call-ID", "CSeq", "Record-Route")
        pairs = [(name, value) for name in copied for value in self.all(name)]
        if status > 100 and ";tag=" not in self.one("To"):
            pairs = [(n, f"{v};tag={tag}" if n == "To" else v) for n, v in pairs]
        return self._make(f"SIP/2.0 {status} {phrase}", [*pairs, *headers], body)

    @classmethod
    def _make(cls, start_line: str, pairs: Iterable[tuple[str, str]], body: bytes) -> Self:
        headers = [Header(f"{name}: {value}") for name, value in pairs]
        return cls(start_line, (*headers, Header(f"Content-Length: {len(body)}")), body)

    def to_bytes(self) -> bytes:
        """Return the message as it goes over the wire."""
        lines = [self.start_line, *(header.text for header in self.headers)]
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode(errors="surrogateescape") + self.body

    @property
    def method(self) -> str | None:
        """The request's method; None for a response."""
        request = _REQUEST_LINE.fullmatch(self.start_line)
        return request[1] if request else None

    @property
    def request_uri(self) -> str | None:
        """The Request-URI; None for a response."""
        request = _REQUEST_LINE.fullmatch(self.start_line)
        return request[2] if request else None

    @property
    def status(self) -> int | None:
        """The response's status code; None for a request."""
        response = _STATUS_LINE.fullmatch(self.start_line)
        return int(response[1]) if response else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return the unfolded values of the headers *name*; those joined by commas stay so."""
        return tuple(header.unfolded for header in self.headers if header.is_named(name))

    def get(self, name: str) -> str | None:
        """Return the value of the header *name*, None without it; LookupError for several."""
        values = self.all(name)
        if len(values) > 1:
            raise LookupError(f"{len(values)} headers {name} in {self.start_line!r}")
        return values[0] if values else None

    def one(self, name: str) -> str:
        """Return the value of the only header *name*. Raise LookupError unless there is one."""
        value = self.get(name)
        if value is None:
            raise LookupError(f"no header {name} in {self.start_line!r}")
        return value

    def without(self, name: str) -> SipMessage:
        """Return the message less all headers *name*."""
        kept = tuple(header for header in self.headers if not header.is_named(name))
        return SipMessage(self.start_line, kept, self.body)

    def plus(self, *texts: str) -> SipMessage:
        """Return the message with headers added in front, written exactly as *texts*."""
        added = tuple(map(Header, texts))
        return SipMessage(self.start_line, (*added, *self.headers), self.body)

    def sent_to(self, uri: str) -> SipMessage:
        """Return the request with another Request-URI."""
        return SipMessage(f"{self.method} {uri} SIP/2.0", self.headers, self.body)

    def __str__(self) -> str:
        return self.to_bytes().decode(errors="backslashreplace")


def uri_of(value: str) -> str:
    """Return the URI of a name-addr or addr-spec header value such as To's (RFC 3261 20.10)."""
    quoted = re.fullmatch(r'\s*(?:"(?:[^"\\]|\\.)*"\s*|[^<"]*)<([^>]*)>.*', value)
    return quoted[1] if quoted else value.partition(";")[0].strip()


def _long_form(name: str) -> str:
    return COMPACT_FORMS.get(name.lower(), name.lower())
