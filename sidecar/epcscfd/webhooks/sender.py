"""Posting over HTTPS: bounded in time, nothing is followed, nothing of the answer is kept.

URLs come from operators. Nothing in the environment can send the request elsewhere, and an
answer cannot either: identities are for the WWSF alone.
"""

from __future__ import annotations

import asyncio
import ssl

from typing import TYPE_CHECKING

import httpx2


if TYPE_CHECKING:
    from epcscfd.domain.webhook import Posting

LONGEST_POST = 10.0
"Seconds."

AGENT = "epcscfd"


class HttpSender:
    """Posts."""

    def __init__(self, ca_file: str = "") -> None:
        """*ca_file* replaces what the system trusts."""
        self._client = httpx2.AsyncClient(
            verify=ssl.create_default_context(cafile=ca_file) if ca_file else True,
            timeout=httpx2.Timeout(LONGEST_POST),
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=16),
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": AGENT, "Accept-Encoding": ""},
        )

    async def post(self, posting: Posting) -> str:
        """Post; say what went wrong. Empty: it was answered with 2xx."""
        try:
            # The timeouts of the client are between bytes; a server may not drip for ever.
            async with asyncio.timeout(LONGEST_POST):
                return await self._post(posting)
        except TimeoutError:
            return "no answer in time"
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"[:200]

    async def _post(self, posting: Posting) -> str:
        sending = self._client.stream(
            "POST", posting.url, content=posting.body, headers=list(posting.headers)
        )
        async with sending as response:
            # What it says is of no interest, and could be long.
            return "" if response.is_success else f"answered {response.status_code}"

    async def close(self) -> None:
        """Keep no connection."""
        await self._client.aclose()
