"""Fetching a JWKS: one GET, bounded in time and size.

URLs come from the policy, never from tokens. Nothing is followed and nothing in the
environment can send the request elsewhere: who answers decides who may register.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import ssl

from dataclasses import dataclass
from datetime import timedelta

import httpx2

from epcscfd.tokens.keys import LARGEST_KEY_SET


LONGEST_FETCH = timedelta(seconds=4)
"Half of what an edge waits for a verdict."

LONGEST_ETAG = 256
HIGHEST_PORT = 65535

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)
_USE_NEVER = re.compile(r"(?:^|[,\s])no-(?:store|cache)(?:[,\s]|$)", re.IGNORECASE)


class FetchFailed(Exception):  # noqa: N818 - named for what has happened
    """The server did not give the document."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the server gave."""

    document: bytes | None
    "None: it is the one that we have (304)."
    etag: str
    max_age: timedelta | None
    "None: the server does not say."


def make_client(ca_file: str | None = None) -> httpx2.AsyncClient:
    """Make the client that all fetches share. *ca_file* replaces what the system trusts."""
    return httpx2.AsyncClient(
        verify=ssl.create_default_context(cafile=ca_file) if ca_file else True,
        timeout=httpx2.Timeout(LONGEST_FETCH.total_seconds()),
        limits=httpx2.Limits(max_connections=32, max_keepalive_connections=8),
        follow_redirects=False,
        trust_env=False,
        # Compressed, a small document could unfold to a very large one.
        headers={"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": ""},
    )


async def fetch(client: httpx2.AsyncClient, url: str, etag: str) -> Fetched:
    """Get the document at *url*, unless it is still the one of *etag*. Raise FetchFailed."""
    try:
        # The timeouts of the client are between bytes; a server may not drip for ever.
        async with asyncio.timeout(LONGEST_FETCH.total_seconds()):
            return await _get(client, acceptable(url), etag)
    except TimeoutError:
        raise FetchFailed("no answer in time") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise FetchFailed(f"{type(error).__name__}: {error}") from None


async def _get(client: httpx2.AsyncClient, url: httpx2.URL, etag: str) -> Fetched:
    headers = {"If-None-Match": etag} if etag else {}
    async with client.stream("GET", url, headers=headers) as response:
        unchanged = etag and response.status_code == 304
        document = None if unchanged else await read_body(response, LARGEST_KEY_SET)
        etag = response.headers.get("ETag", etag if document is None else "")
        return Fetched(document, _sendable(etag), _max_age(response.headers))


async def read_body(response: httpx2.Response, longest: int) -> bytes:
    """Read a good *response* of at most *longest* bytes. Raise FetchFailed."""
    if response.status_code != 200:
        raise FetchFailed(f"answered {response.status_code}")
    return await read_any_body(response, longest)


async def read_any_body(response: httpx2.Response, longest: int) -> bytes:
    """Read a *response* of whatever status. Raise FetchFailed."""
    if "Content-Encoding" in response.headers:
        raise FetchFailed("compressed")
    document = bytearray()
    async for chunk in response.aiter_raw():
        document += chunk
        if len(document) > longest:
            raise FetchFailed("too large a document")
    return bytes(document)


def _sendable(etag: str) -> str:
    # It comes back in a request; one that no request can carry is as good as none.
    return etag if etag.isascii() and etag.isprintable() and len(etag) <= LONGEST_ETAG else ""


def acceptable(url: str) -> httpx2.URL:
    """Read *url*: https, or http to this machine. Raise FetchFailed."""
    parsed = httpx2.URL(url)
    if (parsed.port or 0) > HIGHEST_PORT:
        raise FetchFailed("no such port")
    if parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(parsed.host)):
        return parsed
    raise FetchFailed("neither https nor http on this machine")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _max_age(headers: httpx2.Headers) -> timedelta | None:
    control = headers.get("Cache-Control", "")
    if _USE_NEVER.search(control):
        return timedelta(0)
    age = _MAX_AGE.search(control)
    return timedelta(seconds=int(age[1])) if age else None
