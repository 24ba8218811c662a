"""Calls as both ends see them: requests outside of dialogs, and dialogs (RFC 3261 12).

A WIC and a phone are `End`s. Nothing is mended here: what an end gets wrong, such as a
Route that it did not record, is what a test wants to send.
"""

from __future__ import annotations

import asyncio
import secrets

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from lab.sip import SipMessage, uri_of


Headers = Sequence[tuple[str, str]]


class End(Protocol):
    """Whoever sends and hears SIP messages."""

    @property
    def sent_by(self) -> str:
        """Transport and host of its Via."""
        ...

    @property
    def contact_uri(self) -> str:
        """Where it may be reached within dialogs."""
        ...

    async def send(self, raw: bytes) -> None:
        """Send one message."""
        ...

    async def expect(self, wanted: Callable[[SipMessage], bool], count: int = 1) -> SipMessage:
        """Return the message number *count* that is *wanted*, past or to come."""
        ...


def is_request(method: str, call_id: str | None = None) -> Callable[[SipMessage], bool]:
    """Want a request *method*, of one call if that is given."""
    return lambda message: (
        message.method == method and (call_id is None or message.one("Call-ID") == call_id)
    )


def is_answer(
    request: SipMessage, low: int = 200, high: int = 699
) -> Callable[[SipMessage], bool]:
    """Want an answer to *request* with a status from *low* to *high*."""

    def wanted(message: SipMessage) -> bool:
        return (
            message.status is not None
            and low <= message.status <= high
            and message.all("CSeq") == request.all("CSeq")
            and message.all("Call-ID") == request.all("Call-ID")
        )

    return wanted


def new_request(
    end: End, method: str, impus: tuple[str, str], headers: Headers = (), body: bytes = b""
) -> SipMessage:
    """Make a request outside of dialogs; *impus* are the caller's and the callee's.

    A header named in *headers* takes the place of the usual one.
    """
    caller, callee = impus
    usual = [
        ("Via", f"SIP/2.0/{end.sent_by};branch=z9hG4bK{secrets.token_hex(8)}"),
        ("Max-Forwards", "69"),
        ("To", f"<{callee}>"),
        ("From", f"<{caller}>;tag={secrets.token_hex(4)}"),
        ("Call-ID", secrets.token_hex(11)),
        ("CSeq", f"1 {method}"),
        ("Contact", f"<{end.contact_uri}>"),
        *([("Content-Type", "application/sdp")] if body else []),
    ]
    given = {name for name, _ in headers}
    kept = [pair for pair in usual if pair[0] not in given]
    return SipMessage.request(method, callee, [*kept, *headers], body)


async def ask(end: End, request: SipMessage) -> SipMessage:
    """Send *request* and return its final answer."""
    await end.send(request.to_bytes())
    return await end.expect(is_answer(request))


async def deliver(end: End, request: SipMessage, callee: End) -> SipMessage:
    """Send *request* and return it as it arrives at *callee*.

    Raise AssertionError if a final answer comes first: nobody waits for what was refused.
    """
    assert request.method is not None
    arriving = asyncio.ensure_future(
        callee.expect(is_request(request.method, request.one("Call-ID")))
    )
    answering = asyncio.ensure_future(end.expect(is_answer(request)))
    try:
        await end.send(request.to_bytes())
        await asyncio.wait((arriving, answering), return_when=asyncio.FIRST_COMPLETED)
        if not arriving.done() and answering.exception() is None:
            raise AssertionError(f"not delivered: {answering.result().start_line}")
        return await arriving
    finally:
        arriving.cancel()
        answering.cancel()


async def answer(
    end: End,
    request: SipMessage,
    status: int,
    headers: Headers = (),
    body: bytes = b"",
) -> SipMessage:
    """Answer *request* as its callee; return what was sent. Each end has a tag of its own."""
    more = [("Contact", f"<{end.contact_uri}>")] if status < 300 else []
    typed = [("Content-Type", "application/sdp")] if body else []
    tag = f"of-{end.contact_uri.partition('@')[0].partition(':')[2]}"
    given = {name for name, _ in headers}
    kept = [pair for pair in (*more, *typed) if pair[0] not in given]
    reply = request.reply(status, "As Told", [*kept, *headers], tag, body)
    await end.send(reply.to_bytes())
    return reply


def cancel_of(invite: SipMessage) -> SipMessage:
    """Make the CANCEL of *invite* (RFC 3261 9.1)."""
    return _follower(invite, "CANCEL", invite.one("To"), invite.all("Via")[0])


def ack_of(invite: SipMessage, refusal: SipMessage) -> SipMessage:
    """Make the ACK of an answer that refuses *invite* (RFC 3261 17.1.1.3)."""
    return _follower(invite, "ACK", refusal.one("To"), invite.all("Via")[0])


def _follower(invite: SipMessage, method: str, to: str, via: str) -> SipMessage:
    number = invite.one("CSeq").partition(" ")[0]
    assert invite.request_uri is not None
    pairs = [
        ("Via", via),
        ("Max-Forwards", "69"),
        ("To", to),
        ("From", invite.one("From")),
        ("Call-ID", invite.one("Call-ID")),
        ("CSeq", f"{number} {method}"),
    ]
    return SipMessage.request(method, invite.request_uri, pairs)


def _entries(values: Sequence[str]) -> tuple[str, ...]:
    """Take header values with several addresses apart; all are in angle brackets."""
    return tuple(f"<{part.split('>')[0]}>" for part in "".join(values).split("<")[1:])


@dataclass
class Dialog:
    """A dialog as one of its ends knows it."""

    end: End
    call_id: str
    own: str
    "From of what this end sends, with its tag."
    other: str
    target: str
    "Contact URI of the other end."
    routes: tuple[str, ...]
    cseq: int = field(default=1)

    @classmethod
    def of_caller(cls, end: End, invite: SipMessage, accepted: SipMessage) -> Dialog:
        """Return the dialog that an answer with a tag in To has made at the caller."""
        routes = tuple(reversed(_entries(accepted.all("Record-Route"))))
        return cls(
            end,
            invite.one("Call-ID"),
            invite.one("From"),
            accepted.one("To"),
            uri_of(accepted.one("Contact")),
            routes,
        )

    @classmethod
    def of_callee(cls, end: End, invite: SipMessage, accepted: SipMessage) -> Dialog:
        """Return the same at the callee; *accepted* is what it answered."""
        return cls(
            end,
            invite.one("Call-ID"),
            accepted.one("To"),
            invite.one("From"),
            uri_of(invite.one("Contact")),
            _entries(invite.all("Record-Route")),
            100,
        )

    def request(self, method: str, headers: Headers = (), body: bytes = b"") -> SipMessage:
        """Make the next request within the dialog; an ACK has the number of the INVITE."""
        if method != "ACK":
            self.cseq += 1
        made = new_request(self.end, method, (self.target, self.target), headers, body)
        fields = {
            "From": self.own,
            "To": self.other,
            "Call-ID": self.call_id,
            "CSeq": f"{self.cseq} {method}",
        }
        kept = tuple(header for header in made.headers if header.name not in fields)
        routes = [f"Route: {route}" for route in self.routes]
        texts = [f"{name}: {value}" for name, value in fields.items()]
        return replace(made, headers=kept).plus(*texts, *routes)

    async def ask(self, method: str, headers: Headers = (), body: bytes = b"") -> SipMessage:
        """Send a request within the dialog and return its final answer."""
        return await ask(self.end, self.request(method, headers, body))

    async def acknowledge(self, body: bytes = b"") -> None:
        """Send the ACK of the INVITE that was sent last."""
        await self.end.send(self.request("ACK", (), body).to_bytes())
