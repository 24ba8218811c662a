"""What the eP-CSCF tells a pool, and who else may not."""

from __future__ import annotations

import json

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from starlette.applications import Starlette
from starlette.routing import Route

from demo.wwsf.answers import RELEASED
from demo.wwsf.released import ReleasedDesk, is_signed
from epcscfd.domain.webhook import signature_of


SECRET = "s" * 32
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
BODY = b'{"type":"identity.released"}'


def signed(body=BODY, secret=SECRET, time=NOW):
    return signature_of(body, secret, time)


def test_what_the_epcscf_signs_is_signed():
    assert is_signed(BODY, signed(), SECRET.encode(), NOW)


@pytest.mark.parametrize(
    "signature",
    [
        signed(body=BODY + b" "),
        signed(secret="t" * 32),
        signed(time=NOW - timedelta(minutes=6)),
        signed(time=NOW + timedelta(minutes=6)),
        signed().replace("v1=", "v0="),
        f"{signed()},v1=0",
        "",
    ],
)
def test_anything_else_is_not(signature):
    assert not is_signed(BODY, signature, SECRET.encode(), NOW)


@pytest.fixture
async def desk():
    """A desk, and what it passes on."""
    told = []

    async def tell(event):
        told.append(event)

    desk = ReleasedDesk(SECRET.encode(), tell)

    async def post(signature=None, **fields):
        released = {"type": "identity.released", "impi": "p1@pool.example"}
        times = {"time": NOW.isoformat(), "may_return_until": None}
        body = json.dumps({**released, **times, **fields}).encode()
        app = Starlette(routes=[Route(RELEASED, desk.take, methods=["POST"])])
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="https://shop") as client:
            header = signature or signed(body, time=datetime.now(UTC))
            answer = await client.post(
                RELEASED, content=body, headers={"epcscf-signature": header}
            )
        return answer.status_code, [(each.impi, each.time, each.may_return) for each in told]

    return post


async def test_a_release_is_passed_on(desk):
    assert await desk() == (204, [("p1@pool.example", NOW, False)])


async def test_a_token_that_lives_may_bring_the_user_back(desk):
    assert (await desk(may_return_until=NOW.isoformat()))[1][0][2] is True


async def test_events_of_later_kinds_are_taken_and_passed_over(desk):
    assert await desk(type="identity.something") == (204, [])


async def test_what_is_not_signed_is_refused(desk):
    assert await desk(signature=signed()) == (401, [])
