"""Limits at the browser door: sizes, rates, and what is not spoken there (SX-22)."""

from __future__ import annotations

import time

import pytest

from lab.deployment import Deployment, Wishes
from lab.sip import SipMessage
from lab.wic import Closed


ALICE = "sip:alice@ims.example"
POLICY_VIOLATION = Closed(1008, "policy violation")


@pytest.fixture(scope="module")
def tight(tmp_path_factory):
    """A deployment that allows next to nothing."""
    limits = {
        "EPCSCF_RATE_CONNECTION": 4,
        "EPCSCF_RATE_WWSF": 6,
        "EPCSCF_MESSAGE_MAX": 4096,
        "EPCSCF_OFFENDER_WAIT": 2,
    }
    with Deployment(tmp_path_factory.mktemp("tight"), Wishes(edge=limits)) as deployment:
        yield deployment


@pytest.mark.req("SX-22")
async def test_a_message_beyond_the_limit_is_refused_and_closed_with_1009(tight):
    async with await tight.connect() as wic:
        reply = await wic.register(ALICE, None, headers=[("X-Filler", "x" * 4096)])

        assert reply.status == 513
        assert await wic.closed() == Closed(1009, "message too large")


@pytest.mark.req("SX-22")
async def test_a_connection_that_registers_too_often_is_put_off(tight):
    token = tight.bearer("partner", "bob@ims.example")
    async with await tight.connect("partner") as wic:
        replies = [await wic.register("sip:bob@ims.example", token) for _ in range(10)]

    # ten in a row touch two windows at most, each of which lets four through
    put_off = [reply for reply in replies if reply.status == 503]
    assert [reply.status for reply in replies][:4] == [200] * 4
    assert len(put_off) >= 2
    assert all(int(reply.one("Retry-After")) > 0 for reply in put_off)


@pytest.mark.req("SX-22")
async def test_a_refused_credential_that_comes_back_is_left_alone_for_a_while(tight):
    """A stock client that is cut off comes back in two seconds; one that is not is silent."""
    refused = tight.bearer("partner", iss="https://waf.evil.example")
    async with await tight.connect("partner") as wic:
        assert (await wic.register(ALICE, refused)).status == 401
        assert await wic.closed() == POLICY_VIOLATION

    async with await tight.connect("partner") as wic:
        assert (await wic.register(ALICE, refused)).status == 401
        await wic.ping()
        assert wic.is_open
        answered = time.monotonic()
        assert await wic.closed() == POLICY_VIOLATION

    assert time.monotonic() - answered > 1


@pytest.mark.req("SX-22")
async def test_who_is_left_alone_has_few_tries(tight):
    refused = tight.bearer("partner", iss="https://waf.evil.example")
    async with await tight.connect("partner") as wic:
        assert (await wic.register(ALICE, refused)).status == 401
        await wic.closed()

    async with await tight.connect("partner") as wic:
        replies = [await wic.register(ALICE, refused) for _ in range(3)]
        assert await wic.closed() == POLICY_VIOLATION

    assert [reply.status for reply in replies] == [401] * 3


@pytest.mark.req("SX-22")
async def test_a_wwsf_with_too_many_first_sights_is_put_off_and_others_are_not(tight):
    replies = []
    for number in range(14):
        impi = f"user{number}@ims.example"
        async with await tight.connect() as wic:
            replies.append(await wic.register(f"sip:{impi}", tight.bearer("portal", impi)))
    async with await tight.connect("socialnet") as wic:
        impi = "guest1@socialnet.example"
        bearer = tight.bearer("socialnet", impi, impus=["sip:guest1@ims.example"])
        other = await wic.register("sip:guest1@ims.example", bearer)

    # fourteen in a row touch two windows at most, each of which lets six through
    statuses = [reply.status for reply in replies]
    assert statuses[:6] == [200] * 6
    assert statuses.count(503) >= 2
    assert other.status == 200


async def test_a_register_with_a_body_is_refused(lab):
    async with await lab.connect() as wic:
        register = wic.register_request(ALICE, lab.bearer(), headers=[("Content-Type", "a/b")])
        kept = register.without("Content-Length").headers
        pairs = [(header.name, header.value) for header in kept]
        reply = await wic.ask(
            SipMessage.request("REGISTER", "sip:ims.example", pairs, b"--x\r\n\r\n--x--")
        )

        assert reply.status == 415


async def test_an_unknown_proxy_extension_is_named(lab):
    async with await lab.connect() as wic:
        reply = await wic.register(ALICE, lab.bearer(), headers=[("Proxy-Require", "sec-agree")])

        assert (reply.status, reply.one("Unsupported")) == (420, "sec-agree")


@pytest.mark.parametrize(
    ("contact", "expires"),
    [
        ("<sip:a@x.invalid>, <sip:b@x.invalid>", 600),
        ("*", 600),
    ],
)
async def test_contacts_that_cannot_be_capped_are_malformed(lab, contact, expires):
    async with await lab.connect() as wic:
        request = wic.register_request(ALICE, lab.bearer(), contact=contact, expires=expires)

        assert (await wic.ask(request)).status == 400
        assert await wic.closed() == POLICY_VIOLATION


async def test_a_comma_within_quotes_is_no_second_contact(lab):
    async with await lab.connect() as wic:
        contact = f'{wic.contact()};methods="INVITE,BYE"'
        request = wic.register_request(ALICE, lab.bearer(), contact=contact)

        assert (await wic.ask(request)).status == 200


@pytest.mark.req("SX-22")
@pytest.mark.parametrize("length", [256, 5000, 20000])
async def test_a_long_call_id_is_refused_and_seen_in_the_log(lab, user, length):
    mark = lab.edge.log.mark()
    async with await lab.connect() as wic:
        wic.call_id = "c" * length
        reply = await wic.register(user.impu, lab.bearer("portal", user.impi))

        assert (reply.status, wic.is_open) == (400, True)
        wic.call_id = "c" * 255
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
    assert "why=call_id_too_long" in "\n".join(lab.edge.log.lines(mark))
