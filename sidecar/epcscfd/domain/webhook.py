"""Webhooks: where the events of a WWSF are delivered, how, and when that is given up.

* Events of one WWSF are delivered one after another, so they arrive in their order.
* What is not answered with 2xx is tried again, ever more seldom, for a day; then it is given up
  and the next one has its turn.
* A signature over time and body shows who sent it; the time keeps it from being replayed.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from epcscfd.domain.policy import WwsfId
from epcscfd.domain.release import Event


SHORTEST_SECRET = 32
LONGEST_SECRET = 255
"Characters; the shorter one is as long as what HMAC-SHA256 gives."

LONGEST_URL = 2048

FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)

GIVE_UP_AFTER = timedelta(days=1)
"A weekend's breakage is found by its dead letters; the order of the rest matters more."

SIGNATURE = "EPCSCF-Signature"
"Header with the time in seconds and the HMAC-SHA256 over `time.body`, in hexadecimal."


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the events of a WWSF go, and how far that has come."""

    wwsf: WwsfId
    url: str
    secret: str = field(repr=False)
    delivered: int
    "Number of the event that was delivered last, or given up."
    attempts: int = 0
    "Tries of the next one."
    failing_since: datetime | None = None
    "When it was tried first. None: it has not failed."
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """One delivery."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes


def flaw_of_url(url: str, *, http_to_loopback: bool) -> str:
    """Say what keeps *url* from being delivered to. Empty: nothing."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no URL"
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        return "is no URL, or longer than 2048 characters"
    if parts.username is not None or parts.fragment:
        return "must have neither user nor fragment"
    if not host:
        return "names no host"
    plain = parts.scheme == "http" and http_to_loopback and _is_loopback(host)
    return "" if parts.scheme == "https" or plain else "is not https"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def posting_of(event: Event, webhook: Webhook, now: datetime) -> Posting:
    """Give what is posted to tell *event*."""
    release = event.release
    until = release.may_return_until
    told = {
        "id": event.id,
        "sequence": event.sequence,
        "type": "identity.released",
        "time": release.time.isoformat(),
        "wwsf": release.wwsf,
        "impi": release.impi,
        "impu": release.impu,
        "cause": release.cause,
        "may_return_until": until.isoformat() if until else None,
    }
    body = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    headers = (
        ("Content-Type", "application/json"),
        ("Idempotency-Key", event.id),
        (SIGNATURE, signature_of(body, webhook.secret, now)),
    )
    return Posting(webhook.url, headers, body)


def signature_of(body: bytes, secret: str, now: datetime) -> str:
    """Sign *body* as of *now*."""
    time = int(now.timestamp())
    signed = hmac.new(secret.encode(), f"{time}.".encode() + body, hashlib.sha256)
    return f"t={time},v1={signed.hexdigest()}"


def pause_after(attempts: int, lot: float) -> timedelta:
    """Give how long to wait after so many tries; *lot* between 0 and 1 spreads it."""
    usual = FIRST_PAUSE * (1 << min(attempts - 1, 16))
    return min(usual, LONGEST_PAUSE) * (0.5 + lot)
