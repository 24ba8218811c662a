"""`POST /released`: the eP-CSCF tells that an identity is registered nowhere any more.

It may tell so twice, and late. Whoever else posts here has no signature.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import Response


if TYPE_CHECKING:
    from starlette.requests import Request

SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
TOLERANCE = timedelta(minutes=5)
"Older signatures could be replays."
LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Released:
    """An identity that is registered nowhere."""

    impi: str
    time: datetime
    may_return: bool
    "Whether a token by which it was registered is still alive."


class ReleasedDesk:
    """Takes what is signed with our secret."""

    def __init__(self, secret: bytes, tell: Callable[[Released], Awaitable[None]]) -> None:
        self._secret = secret
        self._tell = tell

    async def take(self, request: Request) -> Response:
        """Take one event. 2xx: it need not be told again."""
        body = await request.body()
        signature = request.headers.get("epcscf-signature", "")
        if len(body) > LARGEST or not is_signed(body, signature, self._secret, _now()):
            return Response("not signed by the eP-CSCF\n", 401)
        event: dict[str, Any] = json.loads(body)
        if event["type"] == "identity.released":
            time = datetime.fromisoformat(event["time"])
            may_return = event["may_return_until"] is not None
            await self._tell(Released(event["impi"], time, may_return))
        return Response(status_code=204)


def is_signed(body: bytes, signature: str, secret: bytes, now: datetime) -> bool:
    """Tell whether *signature* is of *body*, of our secret and of these minutes."""
    parts = SIGNATURE.fullmatch(signature)
    if parts is None:
        return False
    time, shown = parts.groups()
    if abs(now - datetime.fromtimestamp(int(time), UTC)) > TOLERANCE:
        return False
    expected = hmac.new(secret, f"{time}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, shown)


def _now() -> datetime:
    return datetime.now(UTC)
