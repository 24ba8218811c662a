"""Who signals at a browser door and is no WIC: a WWSF's server, or what stands for one.

By its handshake it may look like a browser (RFC 6454 binds browsers only), so it is told by
what it does: it registers a block, passes on what others say, or speaks for several users.
"""

from __future__ import annotations

import pytest

from lab.calling import ask, new_request
from lab.wic import Closed
from tests.scenarios.core_by_hand import DOMAIN


CUT = Closed(1008, "policy violation")
SERVER = "SIP/2.0/TLS wws.socialnet.example;branch=z9hG4bKserver"
BULK = "<sip:wws.socialnet.example;transport=tls;bnc>;expires=600"


@pytest.fixture
def refused(lab, user, at_core):
    """Tell how a REGISTER with a good token and these changes is refused."""

    async def attempt(headers=(), contact=None):
        async with await lab.connect() as wic:
            request = wic.register_request(
                user.impu, lab.bearer(impi=user.impi), headers=headers, contact=contact
            )
            reply = await wic.ask(request)
            assert at_core(wic) == []
            assert reply.status == 403
            return await wic.closed()

    return attempt


@pytest.mark.req("S001-33", "S002-18")
@pytest.mark.parametrize(
    "headers",
    [
        [("Require", "gin")],
        [("Require", "path, GIN")],
        [("Require", "path"), ("Require", "gin,outbound")],
        [("Proxy-Require", "gin")],
        [("Require", "gin"), ("Proxy-Require", "gin")],
    ],
)
async def test_a_block_is_not_registered_at_a_browser_door(refused, headers):
    """RFC 6140 5.1; a WWSF has a door of its own for that."""
    assert await refused(headers) == CUT


@pytest.mark.req("S001-33", "S002-18")
@pytest.mark.parametrize(
    "contact",
    [
        BULK,
        "<sip:wws.socialnet.example;bnc;transport=tls>",
        "<sip:wws.socialnet.example;BNC=1>",
        "<sip:wws.socialnet.example; bnc >",
        "sip:wws.socialnet.example;bnc",
    ],
)
async def test_a_bulk_contact_is_not_registered_at_a_browser_door(refused, contact):
    assert await refused(contact=contact) == CUT


@pytest.mark.parametrize(
    "contact", ["<sip:bnc@x.invalid;transport=ws>", "<sip:a@bnc.invalid;transport=ws;x=bnc>"]
)
async def test_a_contact_with_that_word_elsewhere_is_a_contact(lab, user, contact):
    async with await lab.connect() as wic:
        bearer = lab.bearer(impi=user.impi)
        request = wic.register_request(user.impu, bearer, contact=contact)

        assert (await wic.ask(request)).status == 200


@pytest.mark.req("S001-33")
@pytest.mark.parametrize(
    "headers", [[("Via", SERVER)], [("v", SERVER)], [("Via", f"{SERVER}, {SERVER}2")]]
)
async def test_what_comes_through_a_server_is_refused(refused, headers):
    assert await refused(headers) == CUT


@pytest.mark.req("S001-33")
async def test_two_in_one_via_are_two(lab, user, at_core):
    async with await lab.connect() as wic:
        request = wic.register_request(user.impu, lab.bearer(impi=user.impi))
        first = request.one("Via")
        raw = request.to_bytes().replace(first.encode(), f"{first}, {SERVER}".encode())
        await wic.send(raw)

        assert (await wic.answer(request)).status == 403
        assert await wic.closed() == CUT
        assert at_core(wic) == []


@pytest.mark.req("S001-33", "SX-4")
async def test_one_connection_is_one_users(lab, subscribe):
    one, other = subscribe(), subscribe()
    async with await lab.connect() as wic:
        assert (await wic.register(one.impu, lab.bearer(impi=one.impi))).status == 200
        assert (await wic.register(other.impu, lab.bearer(impi=other.impi))).status == 403
        assert await wic.closed() == CUT


@pytest.mark.req("S001-33")
async def test_nobody_registers_for_another(lab, user, at_core):
    """Third-party registration (RFC 3261 10.2) is what a server would use."""
    async with await lab.connect() as wic:
        request = wic.register_request(user.impu, lab.bearer(impi=user.impi))
        raw = request.to_bytes().replace(
            f"From: <{user.impu}>".encode(), f"From: <sip:wws@{DOMAIN}>".encode()
        )
        await wic.send(raw)

        assert (await wic.answer(request)).status == 403
        assert await wic.closed() == CUT
        assert at_core(wic) == []


@pytest.mark.req("S001-33")
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "OPTIONS"])
async def test_a_registered_connection_passes_on_nothing_either(lab, user, method):
    mark = lab.core.scscf.mark()
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, lab.bearer(impi=user.impi))).status == 200
        callee = "sip:bob@ims.example"
        request = new_request(wic, method, (user.impu, callee), [("v", SERVER)])

        assert (await ask(wic, request)).status == 403
        assert await wic.closed() == CUT
        assert lab.core.scscf.wire(method, mark) == []
