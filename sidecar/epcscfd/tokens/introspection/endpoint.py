"""An endpoint: one POST to one entity, bounded in time, size and number.

Each entity has connections, places and a breaker of its own: one that is slow or dead holds up
nobody who is vouched for by another.
"""

from __future__ import annotations

import asyncio
import ssl

from datetime import datetime

import httpx2

from epcscfd.domain.introspection import ClientAuthentication, Introspection
from epcscfd.domain.policy import AuthorizationEntity
from epcscfd.domain.token import TokenFault
from epcscfd.tokens.fetching import FetchFailed, acceptable, read_any_body, read_body
from epcscfd.tokens.introspection.answers import LARGEST_ANSWER
from epcscfd.tokens.introspection.authentication import Asker
from epcscfd.tokens.introspection.breaker import Breaker
from epcscfd.tokens.introspection.credentials import CredentialMissing, CredentialStore


MOST_AT_ONCE = 32
"Questions; what a server answers in 50 ms, it answers 640 times a second."

MOST_WAITING = 1024
"Questions; with more there is no hope to be answered in time."


LIMITS = httpx2.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=8)


class Unanswered(Exception):  # noqa: N818 - named for what has happened
    """There is no answer (F14)."""


class WeAreRefused(Exception):  # noqa: N818 - named for what has happened
    """The server does not accept who we are, or we cannot show it (F16)."""


class Endpoint:
    """Where one entity answers."""

    def __init__(
        self, entity: AuthorizationEntity, credentials: CredentialStore, trust: str | None
    ) -> None:
        if entity.introspection is None:
            raise LookupError("this entity answers no questions")
        self.entity = entity
        self.terms: Introspection = entity.introspection
        self.breaker = Breaker()
        self.trouble: TokenFault | None = None
        "What the last failure came to, for those whom the breaker stops."
        self._asker = Asker(entity.introspection, entity.issuer, credentials)
        self._credentials = credentials
        self._trust = trust
        self._client: httpx2.AsyncClient | None = None
        self._connecting = asyncio.Lock()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._waiting = 0

    async def ask(self, token: str, now: datetime) -> bytes:
        """Give the answer about *token*. Raise Unanswered or WeAreRefused."""
        if self._waiting >= MOST_WAITING:
            raise Unanswered("too many questions wait already")
        self._waiting += 1
        try:
            # The timeouts of the client are between bytes; a server may not drip for ever.
            async with asyncio.timeout(self.terms.timeout.total_seconds()), self._places:
                return await self._post(token, now)
        except TimeoutError:
            raise Unanswered("no answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, FetchFailed) as error:
            raise Unanswered(f"{type(error).__name__}: {error}") from None
        except CredentialMissing as error:
            raise WeAreRefused(str(error)) from None
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Let go of all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, token: str, now: datetime) -> bytes:
        url = acceptable(self.terms.url)
        proof = self._asker.prove(now)
        # RFC 7662 2.1; the hint saves the server a search.
        fields = {"token": token, "token_type_hint": "access_token", **proof.fields}
        client = await self._connected(url)
        async with client.stream("POST", url, data=fields, headers=proof.headers) as response:
            if response.status_code in (401, 403) or await _is_invalid_client(response):
                raise WeAreRefused(f"answered {response.status_code}")
            return await read_body(response, LARGEST_ANSWER)

    async def _connected(self, url: httpx2.URL) -> httpx2.AsyncClient:
        async with self._connecting:
            if self._client is None:
                # What the system trusts is megabytes of files: nothing for the loop to read.
                verify = await asyncio.to_thread(self._tls) if url.scheme == "https" else False
                self._client = httpx2.AsyncClient(
                    verify=verify,
                    timeout=httpx2.Timeout(self.terms.timeout.total_seconds()),
                    limits=LIMITS,
                    follow_redirects=False,
                    trust_env=False,
                    headers={"Accept": "application/json", "Accept-Encoding": ""},
                )
        return self._client

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._trust)
        if self.terms.authentication is ClientAuthentication.TLS:
            path = self._credentials.path(self.terms.credential)
            try:
                context.load_cert_chain(path)
            except (ssl.SSLError, OSError):
                raise CredentialMissing(f"{path} has no certificate with its key") from None
        return context


async def _is_invalid_client(response: httpx2.Response) -> bool:
    # RFC 6749 5.2: some servers say 400 where 401 is meant.
    if response.status_code != 400:
        return False
    return b"invalid_client" in await read_any_body(response, LARGEST_ANSWER)
