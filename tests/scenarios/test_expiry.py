"""How long a WIC stays registered: no longer than its token, however it asks (SX-7)."""

from __future__ import annotations

import re
import time

import pytest

from lab.wic import Closed


MARGIN = 10
"Seconds that a registration ends before its token, as the lab's sidecar has it."

LONG = 7200
SHORT = 300


def life_in(contact):
    return int(re.search(r";expires=([0-9]+)(?:;|$)", contact)[1])


def asking(wic, request, params, header):
    """The REGISTER with these parameters in Contact and this Expires; None: without."""
    request = request.without("Contact").without("Expires")
    request = request.plus(f"Contact: <sip:{wic.user}@{wic.host};transport=ws>{params}")
    return request if header is None else request.plus(f"Expires: {header}")


@pytest.fixture
def register_for(lab, user, at_core):
    """Register with a token of so many seconds; return what the core was told, and the reply."""

    async def register(token_life, params, header):
        bearer = lab.bearer("portal", user.impi, exp=int(time.time()) + token_life)
        async with await lab.connect() as wic:
            request = wic.register_request(user.impu, bearer)
            reply = await wic.ask(asking(wic, request, params, header))
            told = at_core(wic)
            return (told[0] if told else None), reply

    return register


@pytest.mark.req("SX-7")
@pytest.mark.parametrize("known", [False, True], ids=["first sight", "known"])
async def test_a_registration_is_no_longer_than_its_token(lab, user, at_core, known):
    before = time.time()
    bearer = lab.bearer("portal", user.impi, exp=int(before) + SHORT)
    async with await lab.connect() as wic:
        if known:
            assert (await wic.register(user.impu, bearer, expires=60)).status == 200
        reply = await wic.register(user.impu, bearer, expires=600)
        took = time.time() - before

        told = at_core(wic)[-1]
        granted = life_in(told.one("Contact"))
        assert SHORT - MARGIN - took - 2 <= granted <= SHORT - MARGIN
        assert told.one("Expires") == str(granted)
        assert life_in(reply.one("Contact")) == granted


CAPPED = [
    (";expires=600", "600"),
    (";expires=600", None),
    ("", "600"),
    ("", None),
    (";reg-id=1", None),
    (";EXPIRES=600", None),
    ("; expires = 600", None),
    (';expires="600"', "600"),
    (";expires\r\n =\r\n\t600", None),
    (";expires=600;q=0.5", "100"),
    (";expires=0600", None),
    (";expires=4294967295", None),
    (";expires=99999999999999999999", None),
    (";expires=-1", None),
    (";expires=86400x", None),
    (";expires=", "86400"),
    (";expires", "86400"),
    (';expires="x"', None),
]
"Ways to ask, in Contact and in Expires, for more than a token of SHORT has left."


@pytest.mark.req("SX-7")
@pytest.mark.parametrize(("params", "header"), CAPPED)
async def test_no_way_of_asking_gets_beyond_the_token(register_for, params, header):
    told, reply = await register_for(SHORT, params, header)

    granted = life_in(told.one("Contact"))
    assert reply.status == 200
    assert SHORT - MARGIN - 5 <= granted <= SHORT - MARGIN
    assert told.one("Expires") == str(granted)
    assert told.one("Contact").lower().count("expires") == 1
    assert life_in(reply.one("Contact")) == granted


@pytest.mark.req("SX-7")
@pytest.mark.parametrize(
    ("params", "header", "granted"),
    [
        # RFC 3261 20.19: what is malformed counts as 3600, and so does what is not there
        ("", None, 3600),
        (";expires=86400x", None, 3600),
        (";expires=-1", None, 3600),
        (";expires", None, 3600),
        (";expires=", "60", 3600),
        # RFC 3261 10.2.1.1: Contact goes before Expires
        (";expires=700", "86400", 700),
        (";expires=700", "70", 700),
        ("", "700", 700),
        (";expires=0700", None, 700),
    ],
)
async def test_the_core_is_told_what_was_understood(register_for, params, header, granted):
    """A core that reads a malformed value in its own way could grant more than the token has."""
    told, reply = await register_for(LONG, params, header)

    assert told.one("Expires") == str(granted)
    assert params == "" or life_in(told.one("Contact")) == granted
    assert life_in(reply.one("Contact")) == granted


@pytest.mark.req("SX-7")
@pytest.mark.parametrize(
    ("params", "header"), [(";expires=60", "60"), (";expires=60", None), ("", "60")]
)
async def test_what_is_short_enough_is_left_alone(register_for, params, header):
    told, reply = await register_for(SHORT, params, header)

    assert told.one("Contact").endswith(f">{params}")
    assert told.get("Expires") == header
    assert life_in(reply.one("Contact")) == 60


async def test_other_parameters_of_the_contact_survive(register_for):
    others = ';+sip.ice;reg-id=1;+sip.instance="<urn:uuid:f81d4fae-7dec>";expires=900;q=0.5'
    told, _ = await register_for(SHORT, others, None)

    kept = ';+sip.ice;reg-id=1;+sip.instance="<urn:uuid:f81d4fae-7dec>";q=0.5'
    assert told.one("Contact").endswith(kept)


async def test_a_contact_takes_nothing_from_another_users_request(register_for):
    """Variables of Kamailio live as long as its processes."""
    await register_for(SHORT, ";x-first=1;expires=900", "900")
    told, _ = await register_for(SHORT, "", "900")
    again, _ = await register_for(SHORT, "", None)

    for message in (told, again):
        assert re.fullmatch(r"<[^>]*>;expires=2[0-9]{2}", message.one("Contact"))


@pytest.mark.parametrize(
    ("params", "header"),
    [
        (";expires=60;expires=86400", None),
        (';expires=60;a="b";Expires = 86400', None),
        (";expires=60", "60\r\nExpires: 86400"),
        (";expires=60,<sip:other@x.invalid>", None),
        ("<sip:other@x.invalid>;expires=60", None),
        (';expires=60;a="', None),
        ("", "99999999999"),
    ],
    ids=["twice", "twice, apart", "two headers", "two contacts", "no comma", "quote", "beyond"],
)
async def test_what_can_be_read_in_two_ways_is_refused(register_for, params, header):
    told, reply = await register_for(LONG, params, header)

    assert (told, reply.status) == (None, 400)


@pytest.mark.req("SX-7")
@pytest.mark.parametrize("known", [False, True], ids=["first sight", "known"])
async def test_a_token_with_too_little_life_left_is_challenged(lab, user, at_core, known):
    """F19: the connection stays, since a new token cures it."""
    exp = int(time.time()) + 60 + MARGIN - 1
    bearer = lab.bearer("portal", user.impi, exp=exp)
    fresh = lab.bearer("portal", user.impi)
    async with await lab.connect() as wic:
        if known:
            assert (await wic.register(user.impu, fresh)).status == 200
            # an end may be asked for with any token that is good
            assert (await wic.register(user.impu, bearer, expires=0)).status == 200
        sent = len(at_core(wic))
        reply = await wic.register(user.impu, bearer)

        assert reply.status == 401
        assert reply.one("WWW-Authenticate").endswith('error="invalid_token"')
        assert len(at_core(wic)) == sent
        assert (await wic.register(user.impu, fresh)).status == 200


@pytest.mark.req("SX-13")
@pytest.mark.parametrize(
    ("params", "header"),
    [(";expires=0", "0"), (";expires=0", None), ("", "0"), (";expires=0", "9")],
)
async def test_a_wic_deregisters_with_its_token(lab, user, at_core, params, header):
    bearer = lab.bearer("portal", user.impi)
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, bearer)).status == 200
        request = asking(wic, wic.register_request(user.impu, bearer), params, header)
        reply = await wic.ask(request)

        told = at_core(wic)[-1]
        assert reply.status == 200
        assert 'integrity-protected="auth-done"' in told.one("Authorization")
        assert told.get("Expires") in {"0", None}
        assert told.one("Contact").endswith(f">{params}") or told.one("Contact").endswith("=0")
        assert user.impi not in lab.core.hss.registrations()


@pytest.mark.req("SX-14")
async def test_a_star_deregisters_whatever_is_there(lab, user, at_core):
    bearer = lab.bearer("portal", user.impi)
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, bearer)).status == 200
        request = wic.register_request(user.impu, bearer, contact="*", expires=0)

        assert (await wic.ask(request)).status == 200
        assert at_core(wic)[-1].one("Contact") == "*"
        assert user.impi not in lab.core.hss.registrations()


@pytest.mark.req("SX-14")
async def test_a_star_with_a_life_is_refused(lab, user, at_core):
    async with await lab.connect() as wic:
        bearer = lab.bearer("portal", user.impi)
        request = wic.register_request(user.impu, bearer, contact="*", expires=60)

        assert (await wic.ask(request)).status == 400
        assert await wic.closed() == Closed(1008, "policy violation")
        assert at_core(wic) == []
