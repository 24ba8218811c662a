"""What the core hears of a WIC whose token is good.

REGISTERs are looked at as they arrive: at the S-CSCF behind a real I-CSCF, or, to the letter,
at a next hop that the test plays itself.
"""

from __future__ import annotations

import re

import pytest

from lab.digest import auth_parameters
from tests.scenarios.comparison import icid, less_what_changes
from tests.scenarios.core_by_hand import DOMAIN


TNA = (
    'Digest username="{impi}", realm="{realm}", nonce="", uri="sip:{realm}", response="", '
    'integrity-protected="auth-done"'
)


def names(message):
    return sorted(header.name for header in message.headers)


@pytest.mark.req("S001-17", "S002-8", "S003-23", "S003-35", "S004-13")
@pytest.mark.scripted_core
async def test_the_register_of_a_trusted_node_is_exact_in_every_field(
    lab, core_by_hand, impi_by_hand
):
    async with await lab.connect() as wic:
        asked = wic.register_request(f"sip:{impi_by_hand}", lab.bearer("portal", impi_by_hand))
        await wic.send(asked.to_bytes())
        told = await core_by_hand.receive(asked)
        core_by_hand.answer(told, 200, "OK", [("Contact", asked.one("Contact"))])
        assert (await wic.answer(asked)).status == 200

    # TS 33.203 X.3.2.3 step 5, TS 24.229 5.2.2.1
    own = f"127.0.0.1:{lab.edge.plan.core_port}"
    assert told.start_line == f"REGISTER sip:{DOMAIN} SIP/2.0"
    assert told.all("Authorization") == (TNA.format(impi=impi_by_hand, realm=DOMAIN),)
    assert told.all("P-Visited-Network-ID") == (f'"{DOMAIN}"',)
    assert told.one("P-Charging-Vector") == (
        f'icid-value="{icid(told)}";icid-generated-at=epcscf1.ims.example;'
        f'orig-ioi="Type 1{DOMAIN}"'
    )
    assert re.fullmatch(rf"<sip:[A-Za-z0-9+/=]+@{re.escape(own)};lr;ob>", told.one("Path"))
    assert told.all("Require") == ("path",)
    assert told.one("Max-Forwards") == "68"
    assert told.all("Via")[0].startswith(f"SIP/2.0/UDP {own};branch=z9hG4bK")
    for unchanged in ("To", "From", "Call-ID", "CSeq", "Contact", "Expires", "Supported"):
        assert told.all(unchanged) == asked.all(unchanged)
    added = ["P-Charging-Vector", "P-Visited-Network-ID", "Path", "Require", "Via"]
    assert names(told) == sorted(names(asked) + added)
    assert "Bearer" not in str(told)


@pytest.mark.req("S002-8", "S003-23")
async def test_it_arrives_at_the_s_cscf(lab, user, at_core):
    async with await lab.connect() as wic:
        reply = await wic.register(user.impu, lab.bearer("portal", user.impi))

        (told,) = at_core(wic)
        assert reply.status == 200
        assert told.all("Authorization") == (TNA.format(impi=user.impi, realm="ims.example"),)
        assert lab.core.scscf.contacts(user.impu).keys() == {
            f"sip:{wic.user}@{wic.host};transport=ws"
        }


async def test_what_is_known_is_told_as_it_was_the_first_time(lab, user, at_core):
    bearer = lab.bearer("portal", user.impi)
    async with await lab.connect() as wic:
        for _ in range(3):
            assert (await wic.register(user.impu, bearer)).status == 200

        first, second, third = at_core(wic)
        assert less_what_changes(second) == less_what_changes(first)
        assert less_what_changes(third) == less_what_changes(first)
        assert len({icid(message) for message in (first, second, third)}) == 3


@pytest.mark.parametrize("supported", [None, "gruu, outbound", "xpath", "pathology, gruu"])
async def test_path_is_said_to_be_supported_when_the_wic_does_not_say_so(
    lab, user, at_core, supported
):
    """RFC 3327 5.1: who adds Path must know that it is supported; TS 24.229 has us vouch."""
    async with await lab.connect() as wic:
        request = wic.register_request(user.impu, lab.bearer("portal", user.impi))
        request = request.without("Supported")
        if supported is not None:
            request = request.plus(f"Supported: {supported}")

        assert (await wic.ask(request)).status == 200
        (told,) = at_core(wic)
        assert told.all("Supported") == ((supported,) if supported else ()) + ("path",)


@pytest.mark.parametrize(
    "supported", ["Supported: path", "k: gruu,path", "Supported: PATH , outbound"]
)
async def test_path_is_not_said_to_be_supported_twice(lab, user, at_core, supported):
    async with await lab.connect() as wic:
        request = wic.register_request(user.impu, lab.bearer("portal", user.impi))
        request = request.without("Supported").plus(supported)

        assert (await wic.ask(request)).status == 200
        assert len(at_core(wic)[0].all("Supported")) == 1


@pytest.mark.req("S001-16", "S003-17")
@pytest.mark.parametrize(
    "header",
    [
        "Authorization: Bearer {token}",
        "authorization: bearer {token}",
        "AUTHORIZATION : BEARER   {token}",
        "Authorization:Bearer {token}",
        "Authorization:\r\n Bearer\r\n\t{token}",
        'Authorization: Bearer access_token="{token}"',
        'Authorization: bEaReR Access_Token = "{token}"',
        'Authorization: Bearer realm="a, b", access_token="{token}",scope=x',
        'Authorization: Bearer\r\n  access_token="{token}",\r\n  realm="ims.example"',
    ],
)
async def test_a_token_is_taken_in_each_form(lab, user, at_core, header):
    """RFC 6750 2.1 and TS 24.371 A.3.2; the scheme's case and folds do not matter."""
    token = lab.issuers["portal"].token(user.impi)
    async with await lab.connect() as wic:
        request = wic.register_request(user.impu, None)
        request = request.plus(header.format(token=token))

        assert (await wic.ask(request)).status == 200
        (told,) = at_core(wic)
        assert told.all("Authorization") == (TNA.format(impi=user.impi, realm="ims.example"),)
        assert token not in str(told)


@pytest.mark.parametrize("form", ["Bearer {}", 'Bearer access_token="{}"'])
async def test_a_token_of_16_kib_passes(lab, user, form):
    bearer = form.format(token_of(16 * 1024, lab.issuers["portal"], user.impi))
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, bearer)).status == 200
        assert (await wic.register(user.impu, bearer)).status == 200


@pytest.mark.req("S002-6", "SX-6")
async def test_each_identity_of_a_token_registers_in_turn(lab, subscribe, at_core):
    impus = ("sip:work@ims.example", "sip:home@ims.example", "tel:+15550142")
    user = subscribe(impus=impus)
    bearer = lab.bearer("portal", user.impi, impus=impus)
    async with await lab.connect() as wic:
        for impu in impus:
            assert (await wic.register(impu, bearer)).status == 200

        assert [message.one("To") for message in at_core(wic)] == [f"<{impu}>" for impu in impus]
        usernames = [auth_parameters(m.one("Authorization"))["username"] for m in at_core(wic)]
        assert usernames == [user.impi] * 3


async def test_a_number_registers_in_the_domain_of_its_user(lab, subscribe, at_core):
    user = subscribe(impus=("tel:+15550143",))
    async with await lab.connect() as wic:
        bearer = lab.bearer("portal", user.impi, impus=["tel:+1-555-0143"])

        assert (await wic.register("tel:+15550143", bearer)).status == 200
        (told,) = at_core(wic)
        assert (told.one("To"), auth_parameters(told.one("Authorization"))["uri"]) == (
            "<tel:+15550143>",
            "sip:ims.example",
        )


@pytest.mark.req("SX-26")
@pytest.mark.scripted_core
@pytest.mark.parametrize(
    "to",
    [
        "sip:da-ve@SCRIPTED.example",
        "SIP:da-ve@scripted.example",
        "sip:da%2Dve@scripted.example",
        "sip:%64a-ve@scripted.example",
        "sip:da-ve@scripted.example:5060",
        "sip:da-ve@scripted.example;transport=ws",
        "sip:da-ve@scripted.example;user=phone",
    ],
)
async def test_an_identity_is_known_in_every_spelling_and_passed_on_in_that(lab, core_by_hand, to):
    """RFC 3261 19.1.4: these are one URI, or differ in what is no part of an identity."""
    impi = "da-ve@scripted.example"
    async with await lab.connect() as wic:
        asked = wic.register_request(to, lab.bearer("portal", impi))
        await wic.send(asked.sent_to(f"sip:{DOMAIN}").to_bytes())

        told = await core_by_hand.receive(asked)
        core_by_hand.answer(told, 200, "OK")
        assert told.all("To") + told.all("From") == asked.all("To") + asked.all("From")
        assert told.one("Authorization") == TNA.format(impi=impi, realm=DOMAIN)
        assert (await wic.answer(asked)).status == 200


@pytest.mark.req("S001-20", "SX-26")
@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("sip:DAVE@ims.example", 403),
        ("sip:dave%40@ims.example", 403),
        ("sip:dave@ims.example.evil.example", 403),
        ("sip:dave@[::1]", 403),
        ("sip:dave@127.0.0.1", 403),
        ("sips:dave@ims.example", 400),
        ("sip:dave:secret@ims.example", 400),
        ("sip:ims.example", 400),
        ("sip:dave%00@ims.example", 400),
        ("tel:5550100", 400),
        ("tel:+15550100;ext=1", 400),
        ("mailto:dave@ims.example", 400),
    ],
)
async def test_another_identity_is_refused_however_alike(lab, at_core, to, status):
    async with await lab.connect() as wic:
        request = wic.register_request(to, lab.bearer("portal", "dave@ims.example"))

        assert (await wic.ask(request.sent_to("sip:ims.example"))).status == status
        assert at_core(wic) == []


POOL = pytest.mark.req("S000-27")
"What holds for a user's own identity holds for one that was lent to him."


@pytest.mark.req("S003-24", "S004-14", "S000-10", "S000-11", "S000-12")
@pytest.mark.parametrize(
    ("wwsf", "realm", "entity"),
    [
        ("portal", "ims.example", None),
        ("partner", "ims.example", "waf.partner.example"),
        pytest.param("socialnet", "socialnet.example", None, marks=POOL),
        pytest.param("socialnet", "ims.example", "waf.socialnet.example", marks=POOL),
    ],
    ids=["operator", "third party", "in the pool", "not in the pool"],
)
async def test_the_entity_is_named_when_the_core_has_something_to_check(
    lab, subscribe, at_core, wwsf, realm, entity
):
    """TS 33.203 X.3.2.3 step 5.2, X.4.2.3 step 5.2; on the first sight and on the next."""
    user = subscribe(realm=realm)
    bearer = lab.bearer(wwsf, user.impi, impus=[user.impu])
    async with await lab.connect(wwsf) as wic:
        for _ in range(2):
            assert (await wic.register(user.impu, bearer)).status == 200

        named = [auth_parameters(m.one("Authorization")) for m in at_core(wic)]
        assert [each.get("authorization-entity") for each in named] == [entity, entity]
        assert [each["username"] for each in named] == [user.impi, user.impi]


def token_of(size, issuer, impi):
    """A token of so many characters, neither more nor less."""
    for filler in range(4):
        headers = {"filler": "x" * filler}
        missing = size - len(issuer.token(impi, headers=headers, filler=""))
        for padding in range(missing * 3 // 4 - 2, missing * 3 // 4 + 3):
            token = issuer.token(impi, headers=headers, filler="x" * padding)
            if len(token) == size:
                return token
    raise AssertionError(f"no token of {size} characters")
