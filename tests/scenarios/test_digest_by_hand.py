"""What passes between a WIC with a password and its core, to the letter (TS 33.203 X.2)."""

from __future__ import annotations

import pytest

from lab.wic import Wic
from tests.scenarios.core_by_hand import DOMAIN


pytestmark = pytest.mark.scripted_core

ORIGIN = "https://desk.example"
CHALLENGE = (
    f'Digest realm="{DOMAIN}", nonce="n0nce==", qop="auth,auth-int", opaque="a b", stale=false, '
    "algorithm=AKAv2-SHA-256"
)
FOR_ITSELF = [
    ("P-Charging-Vector", 'icid-value="secret"'),
    ("P-Secret", "1"),
    ("Server", "secret"),
]


@pytest.fixture(scope="module")
def desk(lab):
    """A WWSF whose users have passwords."""
    lab.sidecar.ctl("wwsf", "create", "desk", "--origin", ORIGIN, "--credentials", "digest")
    lab.edge.wait_until(lambda: lab.edge.row("ep_origin", ORIGIN), seconds=5, what=ORIGIN)


@pytest.fixture
async def phone(lab, desk):
    """A page of that WWSF."""
    async with await Wic.connect(lab.url, origin=ORIGIN, ssl=lab.trust()) as wic:
        yield wic


@pytest.fixture
def registers(core_by_hand, phone, impi_by_hand):
    """Register, have the core answer so, and return what it heard and what the WIC heard."""

    async def exchange(authorization, status, headers, expires=600):
        asked = phone.register_request(f"sip:{impi_by_hand}", authorization, expires=expires)
        await phone.send(asked.to_bytes())
        told = await core_by_hand.receive(asked)
        own = [("Contact", asked.one("Contact"))] if status == 200 else []
        core_by_hand.answer(told, status, "As Told", [*own, *headers])
        return told, await phone.answer(asked)

    return exchange


def credentials(impi, response):
    return (
        f'Digest username="{impi}", realm="{DOMAIN}", nonce="n0nce==", uri="sip:{DOMAIN}", '
        f'response="{response}", cnonce="c,d", nc=00000001, qop=auth, algorithm=MD5'
    )


@pytest.mark.req("S001-6", "S002-13")
async def test_the_first_register_is_that_of_a_visited_network_and_of_no_trusted_node(
    registers, impi_by_hand
):
    empty = f'Digest username="{impi_by_hand}", realm="{DOMAIN}", nonce="", response=""'
    told, _ = await registers(
        f'{empty}, integrity-protected="auth-done"', 401, [("WWW-Authenticate", CHALLENGE)]
    )

    assert told.all("Authorization") == (empty,)
    assert told.one("Path").endswith(";lr;ob>")
    assert told.all("Require") == ("path",)
    assert told.all("P-Visited-Network-ID") == (f'"{DOMAIN}"',)
    assert f'orig-ioi="Type 1{DOMAIN}"' in told.one("P-Charging-Vector")


@pytest.mark.req("S001-8", "S002-14")
async def test_the_challenge_passes_to_the_letter(registers):
    challenges = [("WWW-Authenticate", CHALLENGE), ("WWW-Authenticate", 'Digest realm="2"')]
    _, heard = await registers(None, 401, [*challenges, *FOR_ITSELF])

    assert heard.status == 401
    assert heard.all("WWW-Authenticate") == (CHALLENGE, 'Digest realm="2"')
    assert "secret" not in str(heard).lower()


KEYS = ('ck="00ff"', "ik=00FF", 'CK = "00ff"', "ik =")


@pytest.mark.req("S001-12")
@pytest.mark.parametrize("position", ["first", "in between", "last", "in the second header"])
@pytest.mark.parametrize("key", KEYS)
async def test_keys_of_aka_reach_no_browser_wherever_they_stand(registers, key, position):
    rest = CHALLENGE.removeprefix("Digest ")
    realm, _, others = rest.partition(", ")
    with_keys = {
        "first": [f"Digest {key}, {rest}"],
        "in between": [f'Digest {realm}, {key},ik="1", {others}'],
        "last": [f"{CHALLENGE},{key}"],
        "in the second header": [CHALLENGE, f"{CHALLENGE}, {key}"],
    }[position]
    _, heard = await registers(None, 401, [("WWW-Authenticate", each) for each in with_keys])

    assert heard.all("WWW-Authenticate") == (CHALLENGE,) * len(with_keys)


@pytest.mark.req("S001-9", "S001-10", "S001-11", "S002-16")
async def test_a_response_goes_as_it_is_and_what_stands_is_watched(
    lab, core_by_hand, registers, impi_by_hand
):
    impu = f"sip:{impi_by_hand}"
    info = 'nextnonce="next", qop=auth, rspauth="00", cnonce="c,d", nc=00000001'
    said = [("Authentication-Info", info), ("P-Associated-URI", f"<{impu}>"), *FOR_ITSELF]
    for response, protected in (("a1", "tls-pending"), ("b2", "tls-yes")):
        shown = credentials(impi_by_hand, response)
        told, heard = await registers(shown, 200, said)

        assert told.all("Authorization") == (f'{shown}, integrity-protected="{protected}"',)
        assert heard.all("Authentication-Info") == (info,)
        assert "secret" not in str(heard).lower()
        if response == "a1":
            watched = await core_by_hand.receive_subscription(impu)
            core_by_hand.answer(watched, 489, "Bad Event")
    assert len(lab.edge.connections_of(impi_by_hand)) == 1

    # TS 24.229 7.2A.2: so it is of one that leaves
    shown = credentials(impi_by_hand, "c3")
    told, heard = await registers(shown, 200, [], expires=0)
    assert told.all("Authorization") == (f'{shown}, integrity-protected="tls-yes"',)
    assert heard.status == 200
    assert not lab.edge.stands(impu)
