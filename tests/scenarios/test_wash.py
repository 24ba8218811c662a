"""What only the core may say does not get there from a WIC (SX-1; TS 33.203 P.3, RFC 3325)."""

from __future__ import annotations

import pytest

from tests.scenarios.comparison import less_what_changes


FORGED = {
    "P-Asserted-Identity": "<sip:ceo@ims.example>",
    "P-Charging-Vector": 'icid-value="forged";orig-ioi=elsewhere.example',
    "P-Charging-Function-Addresses": "ccf=forged.example",
    "P-Visited-Network-ID": '"elsewhere.example"',
    "P-Served-User": "<sip:ceo@ims.example>;sescase=orig;regstate=reg",
    "P-Profile-Key": "<sip:forged!.*!@ims.example>",
    "P-Access-Network-Info": "IEEE-802.11;i-wlan-node-id=forged;network-provided",
    "P-Asserted-Service": "urn:urn-7:3gpp-service.forged",
    "P-Associated-URI": "<sip:ceo@ims.example>",
    "P-Called-Party-ID": "<sip:ceo@ims.example>",
    "P-User-Database": "<aaa://forged.example>",
    "P-Private-Network-Indication": "forged.example",
    "P-Unheard-Of": "forged",
    "Path": "<sip:forged@elsewhere.example;lr>",
    "Service-Route": "<sip:forged@elsewhere.example;lr>",
    "Route": "<sip:forged@elsewhere.example;lr>",
    "Record-Route": "<sip:forged@elsewhere.example;lr>",
    "Feature-Caps": '*;+g.3gpp.forged="x"',
    "Security-Client": "ipsec-3gpp;alg=hmac-sha-1-96;forged=1",
    "Security-Verify": "ipsec-3gpp;q=0.1;forged=1",
    "Proxy-Authorization": 'Digest username="forged", integrity-protected="auth-done"',
}

SPELLINGS = (
    "{name}: {value}",
    "{odd}: {value}",
    "{name} \t: {value}",
    "{name}:{value}",
    "{name}:\r\n {value}",
    "{name}: {value}\r\n{odd}: {value}",
)


def spelled(form, name):
    return form.format(name=name, odd=name.swapcase(), value=FORGED[name])


@pytest.fixture
def arriving(lab, user, at_core):
    """Register with each of these additions; return what the core hears, sorted by header.

    The first is a first sight, the others are known.
    """

    async def register(*additions):
        bearer = lab.bearer("portal", user.impi)
        async with await lab.connect() as wic:
            for headers in additions:
                request = wic.register_request(user.impu, bearer).plus(*headers)
                assert (await wic.ask(request)).status == 200
            return [sorted(less_what_changes(message)) for message in at_core(wic)]

    return register


@pytest.mark.req("SX-1")
@pytest.mark.parametrize("name", FORGED)
async def test_what_only_the_core_may_say_is_taken_out(arriving, name):
    dirt = [[spelled(form, name)] for form in SPELLINGS]
    *dirty, clean = await arriving(*dirt, [])

    assert "forged" not in str(clean)
    assert dirty == [clean] * len(SPELLINGS)


@pytest.mark.req("SX-1")
async def test_all_of_it_at_once_is_taken_out(arriving):
    everything = [spelled(form, name) for name in FORGED for form in SPELLINGS]
    dirty, dirty_and_known, clean = await arriving(everything, everything, [])

    assert dirty == dirty_and_known == clean


@pytest.mark.req("SX-1", "S003-35")
@pytest.mark.parametrize(
    "parameters",
    [
        'integrity-protected="auth-done"',
        "integrity-protected=auth-done",
        'INTEGRITY-Protected = "tls-yes"',
        'authorization-entity="forged.example"',
        'username="ceo@ims.example", integrity-protected="auth-done"',
    ],
)
async def test_parameters_beside_a_token_say_nothing_to_the_core(lab, user, at_core, parameters):
    token = lab.issuers["portal"].token(user.impi)
    async with await lab.connect() as wic:
        for value in (
            f'Bearer access_token="{token}", {parameters}',
            f'Bearer {parameters},access_token="{token}"',
        ):
            assert (await wic.register(user.impu, value)).status == 200

        tna = (
            f'Digest username="{user.impi}", realm="ims.example", nonce="", '
            'uri="sip:ims.example", response="", integrity-protected="auth-done"'
        )
        assert [told.all("Authorization") for told in at_core(wic)] == [(tna,), (tna,)]


@pytest.mark.req("SX-1")
async def test_it_is_counted_and_noted(lab, user):
    log, count = lab.edge.log.mark(), lab.edge.row("ep_count", "forged") or 0
    async with await lab.connect() as wic:
        for headers in (
            ["P-Asserted-Identity: <sip:a@b.c>", "Path: <sip:a>"],
            [],
            ["Path: <sip:a>"],
        ):
            request = wic.register_request(user.impu, None).plus(*headers)
            assert (await wic.ask(request)).status == 401

        noted = [line for line in lab.edge.log.lines(log) if "request.washed" in line]
        assert [wic.call_id in line for line in noted] == [True, True]
    assert lab.edge.row("ep_count", "forged") == count + 2


@pytest.mark.parametrize(
    "header",
    [
        "P-Preferred-Identity: <sip:alice@ims.example>",
        "P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.mmtel",
        "P-Access-Network-Info: IEEE-802.11",
        "P-Early-Media: supported",
        "User-Agent: JsSIP 3.13.8",
        "X-Mine: network-provided",
    ],
)
async def test_what_a_user_may_say_passes(arriving, header):
    for told in await arriving([header], [header]):
        assert header in told
