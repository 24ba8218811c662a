"""What the core says to a REGISTER, and what of it the WIC hears.

Whatever it is, it is the same for a REGISTER that was judged a moment ago and for one whose
verdict was known.
"""

from __future__ import annotations

import pytest

from lab.deployment import Deployment, Wishes
from lab.scripted import Behaviour, script, unscript
from tests.scenarios.comparison import less_what_changes
from tests.scenarios.core_by_hand import DOMAIN


HARMLESS = {
    *("Via", "From", "To", "Call-ID", "CSeq", "Content-Length"),
    *("Contact", "P-Associated-URI", "Service-Route", "Retry-After", "Min-Expires", "Require"),
}
"Headers that a WIC has a use for."

either_way = pytest.mark.parametrize("known", [False, True], ids=["first sight", "known"])


@pytest.fixture
def register(lab, user):
    """Register a user whom the core treats so, as a first sight or as one that is known."""

    async def attempt(wic, known, behaviour, number=0):
        bearer = lab.bearer("portal", user.impi)
        if known:
            assert (await wic.register(user.impu, bearer)).status == 200
        lab.core.scscf.script(user.impu, behaviour, number)
        reply = await wic.register(user.impu, bearer)
        lab.core.scscf.unscript(user.impu)
        return reply

    return attempt


async def works(wic, lab, user):
    """Tell whether the connection and the user still serve."""
    return (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200


@pytest.mark.req("S001-22", "S002-9")
@either_way
async def test_a_digest_challenge_is_not_passed_to_a_wic_with_a_token(lab, user, register, known):
    log = lab.edge.log.mark()
    async with await lab.connect() as wic:
        reply = await register(wic, known, Behaviour.CHALLENGE)

        assert reply.status == 500
        assert reply.all("WWW-Authenticate") == reply.all("Proxy-Authenticate") == ()
        # somebody has to repair the core, or what stands before it
        (alarm,) = [line for line in lab.edge.log.lines(log) if "core.challenged" in line]
        assert "ERROR" in alarm
        assert wic.call_id in alarm
        assert await works(wic, lab, user)


@pytest.mark.req("S002-10", "S004-13", "S000-28", "SX-16")
@either_way
@pytest.mark.parametrize(
    ("behaviour", "number", "status"),
    [
        (Behaviour.FORBID, 0, 403),
        (Behaviour.NO_OUTBOUND, 0, 439),
        # a proxy makes a 500 of it (RFC 3261 16.7 step 6), here the I-CSCF does
        (Behaviour.OVERLOADED, 7, 500),
    ],
)
async def test_a_refusal_of_the_core_reaches_the_wic(
    lab, user, register, known, behaviour, number, status
):
    """F20; SX-16: what to do about a 439 is the WIC's to know."""
    async with await lab.connect() as wic:
        reply = await register(wic, known, behaviour, number)

        assert reply.start_line == f"SIP/2.0 {status} Registration Refused"
        assert {header.name for header in reply.headers} <= HARMLESS
        assert await works(wic, lab, user)


@pytest.mark.req("SX-15")
@either_way
@pytest.mark.parametrize("least", [61, 1800])
async def test_too_brief_is_said_with_the_least_that_will_do(lab, user, register, known, least):
    async with await lab.connect() as wic:
        reply = await register(wic, known, Behaviour.TOO_BRIEF, least)

        assert (reply.status, reply.one("Min-Expires")) == (423, str(least))
        assert {header.name for header in reply.headers} <= HARMLESS
        assert await works(wic, lab, user)


@pytest.mark.req("SX-15")
@either_way
async def test_too_brief_for_a_token_that_lasts_no_longer_wants_a_new_one(
    lab, user, register, known
):
    """F19: a client that did as it is told by a 423 would ask for ever."""
    async with await lab.connect() as wic:
        reply = await register(wic, known, Behaviour.TOO_BRIEF, 3600)

        assert reply.status == 401
        assert reply.one("WWW-Authenticate").endswith('error="invalid_token"')
        assert reply.all("Min-Expires") == ()
        assert await works(wic, lab, user)


INTERNAL = {
    "P-Charging-Vector": 'icid-value="1";orig-ioi="a";term-ioi="b"',
    "P-Charging-Function-Addresses": "ccf=ccf.ims.example",
    "P-Visited-Network-ID": '"ims.example"',
    "P-Asserted-Identity": "<sip:scscf.ims.example>",
    "P-Operators-Own": "1",
    "Path": "<sip:icscf.ims.example;lr>",
    "Server": "S-CSCF 1.2.3",
    "Warning": '399 scscf.ims.example "HSS 7"',
    "Via": "SIP/2.0/UDP scscf.ims.example;branch=z9hG4bKx",
}


@pytest.mark.scripted_core
@pytest.mark.req("S003-33", "S000-28")
@either_way
@pytest.mark.parametrize(
    ("status", "phrase"), [(200, "OK"), (403, "Barred at hss1.ims.example"), (600, "HSS full")]
)
async def test_what_the_core_says_to_its_own_stays_inside(
    lab, core_by_hand, impi_by_hand, known, status, phrase
):
    bearer = lab.bearer("portal", impi_by_hand)
    async with await lab.connect() as wic:
        request = wic.register_request(f"sip:{impi_by_hand}", bearer)
        said = [("Contact", request.one("Contact")), ("P-Associated-URI", f"<sip:{impi_by_hand}>")]
        said += [("Service-Route", "<sip:orig@scscf.ims.example;lr>")]
        if known:
            await wic.send(request.to_bytes())
            core_by_hand.answer(await core_by_hand.receive(request), 200, "OK", said)
            assert (await wic.answer(request)).status == 200
            request = wic.register_request(f"sip:{impi_by_hand}", bearer)
        await wic.send(request.to_bytes())
        told = await core_by_hand.receive(request)
        inside = [(name, value) for name, value in INTERNAL.items() if name != "Via"]
        core_by_hand.answer(told, status, phrase, [*said, *inside])
        reply = await wic.answer(request)

        assert reply.start_line == f"SIP/2.0 {status} " + (
            "OK" if status == 200 else "Registration Refused"
        )
        assert {header.name for header in reply.headers} <= HARMLESS
        assert [(name, reply.one(name)) for name, _ in said] == said
        assert len(reply.all("Via")) == 1
        assert DOMAIN in reply.one("To")


@pytest.mark.scripted_core
@pytest.mark.req("SX-1")
async def test_a_browser_does_not_answer_in_the_place_of_the_core(lab, core_by_hand, impi_by_hand):
    """It would have to guess a branch; what is guessed here was overheard."""
    async with await lab.connect() as wic, await lab.connect() as other:
        bearer = lab.bearer("portal", impi_by_hand)
        request = wic.register_request(f"sip:{impi_by_hand}", bearer)
        await wic.send(request.to_bytes())
        told = await core_by_hand.receive(request)
        said = [("Contact", request.one("Contact")), ("P-Associated-URI", f"<sip:{impi_by_hand}>")]
        await other.send(told.reply(200, "OK", said).to_bytes())
        reply = await wic.answer(request)
        core_by_hand.answer(told, 403, "Forbidden")

        assert reply.status == 500
        assert lab.edge.connections_of(impi_by_hand) == []


@pytest.fixture(scope="module")
def impatient(tmp_path_factory):
    """A deployment that does not wait long for its core."""
    wishes = Wishes(edge={"EPCSCF_CORE_TIMEOUT": 400})
    with Deployment(tmp_path_factory.mktemp("impatient"), wishes) as deployment:
        yield deployment


@pytest.mark.req("S004-13")
@either_way
async def test_a_core_that_is_silent_is_a_time_out(impatient, known):
    """F21, after every I-CSCF has been asked."""
    lab, impu = impatient, "sip:alice@ims.example"
    bearer = lab.bearer()
    async with await lab.connect() as wic:
        if known:
            assert (await wic.register(impu, bearer)).status == 200
        for icscf in lab.core.icscfs:
            script(icscf, impu, Behaviour.SILENT)
        log = lab.edge.log.mark()
        reply = await wic.register(impu, bearer)
        for icscf in lab.core.icscfs:
            unscript(icscf, impu)

        assert reply.status == 504
        asked = [line for line in lab.edge.log.lines(log) if "core.failed" in line]
        assert len(asked) == 2
        assert (await wic.register(impu, bearer)).status == 200


@pytest.fixture
def register_twice(impatient):
    """Register two times, so that round robin comes to each of the two I-CSCFs."""
    lab, impi = impatient, "bob@ims.example"

    async def attempt(known):
        bearers = (
            [lab.bearer("portal", impi)] * 2
            if known
            else [lab.bearer("portal", impi) for _ in range(2)]
        )
        async with await lab.connect() as wic:
            replies = [await wic.register(f"sip:{impi}", bearer) for bearer in bearers]
            told = [m for m in lab.core.scscf.wire() if m.one("Call-ID") == wic.call_id]
            return [reply.status for reply in replies], told

    return attempt


@pytest.mark.req("S004-13")
@either_way
async def test_an_icscf_that_is_gone_is_passed_over(impatient, register_twice, known):
    """The second is told all that the first would have been told."""
    impatient.core.icscfs[0].kill()
    statuses, told = await register_twice(known)
    impatient.core.icscfs[0].start()

    assert statuses == [200, 200]
    assert less_what_changes(told[0]) == less_what_changes(told[1])


@pytest.mark.req("S004-13")
@either_way
async def test_an_icscf_that_is_overloaded_is_passed_over(impatient, register_twice, known):
    overloaded = impatient.core.icscfs[0]
    script(overloaded, "sip:bob@ims.example", Behaviour.OVERLOADED, 5)
    statuses, told = await register_twice(known)
    unscript(overloaded, "sip:bob@ims.example")

    assert statuses == [200, 200]
    assert less_what_changes(told[0]) == less_what_changes(told[1])
