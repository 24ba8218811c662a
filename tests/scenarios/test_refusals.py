"""What is refused, how it is said, and what becomes of the WebSocket.

The contract is the failure table F1 to F13: status, WWW-Authenticate, and whether the
connection stays. Nothing of a refused REGISTER reaches the core, and no token a log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

from dataclasses import dataclass

import jwt
import pytest

from cryptography.hazmat.primitives import serialization

from lab.deployment import WWSFS
from lab.issuer import SCOPE, SigningKey
from lab.wic import Closed


ALICE = "sip:alice@ims.example"
CUT = Closed(1008, "policy violation")

CHALLENGE = (
    'Bearer realm="ims.example", scope="webrtc-ims-client-access-to-ims",'
    ' authz_server="https://waf.ims.example"'
)
INVALID_TOKEN = f'{CHALLENGE}, error="invalid_token"'
INVALID_SCOPE = f'{CHALLENGE}, error="invalid_scope"'


@dataclass
class Sent:
    """Every credential that this module sent, to look for in the logs."""

    credentials: list[str]


@pytest.fixture(scope="module")
def sent():
    return Sent([])


@pytest.fixture
def refused(lab, sent):
    """Send one REGISTER with *authorization*; return reply and how the socket ended.

    Whatever happens, the S-CSCF may not hear of it.
    """

    async def send(authorization, impu=ALICE, wwsf="portal"):
        sent.credentials.append(authorization)
        mark = lab.core.scscf.mark()
        async with await lab.connect(wwsf) as wic:
            reply = await wic.register(impu, authorization)
            closed = await wic.closed()
        # goodbyes and subscriptions for users of other tests may arrive meanwhile
        arrived = lab.core.scscf.wire(since=mark)
        assert [each for each in arrived if each.one("Call-ID") == wic.call_id] == []
        return reply, closed

    return send


def b64(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def confused(issuer):
    """HS256 over our public key as if it were a secret (RFC 8725 2.1)."""
    secret = issuer.key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {"alg": "HS256", "typ": "at+jwt", "kid": issuer.key.kid}
    signed = f"{b64(header)}.{b64(issuer.claims('alice@ims.example', [ALICE]))}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def unsigned(issuer):
    header = {"alg": "none", "typ": "at+jwt"}
    return f"{b64(header)}.{b64(issuer.claims('alice@ims.example', [ALICE]))}."


def forged(issuer, **headers):
    """Signed by a key of the attacker's."""
    key = SigningKey(kid=issuer.key.kid)
    return jwt.encode(
        issuer.claims("alice@ims.example", [ALICE]),
        key.private,
        algorithm="ES256",
        headers={"typ": "at+jwt", "kid": key.kid, **headers},
    )


def embedded(issuer):
    key = SigningKey()
    headers = {"typ": "at+jwt", "kid": key.kid, "jwk": key.public_jwk()}
    claims = issuer.claims("alice@ims.example", [ALICE])
    return jwt.encode(claims, key.private, algorithm="ES256", headers=headers)


NOT_VALID = {
    "F3: signed by nobody we know": forged,
    "F3: a kid that its issuer has not": lambda i: forged(i, kid="no-such-key"),
    "F3: alg none": unsigned,
    "F3: HS256 keyed with our public key": confused,
    "F3: a key that the token brings along": embedded,
    "F3: a key set that the token points to": lambda i: i.token(
        headers={"jku": "https://evil.example/jwks"}
    ),
    "F3: a certificate that the token points to": lambda i: i.token(
        headers={"x5u": "https://evil.example/certificate"}
    ),
    "F3: an unknown critical header": lambda i: i.token(headers={"crit": ["x"], "x": 1}),
    "F3: an ID token": lambda i: i.token(headers={"typ": "JWT"}),
    "F3: a refresh token": lambda i: i.token(headers={"typ": "rt+jwt"}),
    "F3: bound to a key that cannot be shown over SIP": lambda i: i.token(
        cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}
    ),
    "F4: expired": lambda i: i.token(iat=int(time.time()) - 900, exp=int(time.time()) - 300),
    "F5: not valid yet": lambda i: i.token(nbf=int(time.time()) + 600),
    "F5: issued in the future": lambda i: i.token(iat=int(time.time()) + 600),
    "F6: for another API": lambda i: i.token(aud="https://api.example"),
    "F6: of an issuer that we do not know": lambda i: i.token(iss="https://waf.evil.example"),
}


@pytest.mark.req("SX-19", "SX-20", "SX-21", "S003-18", "S003-21", "S003-22", "S002-5", "S004-10")
@pytest.mark.parametrize("name", NOT_VALID)
async def test_a_token_that_is_not_valid_is_401_and_closed(lab, refused, name):
    token = NOT_VALID[name](lab.issuers["portal"])
    reply, closed = await refused(f"Bearer {token}")

    assert (reply.status, reply.all("WWW-Authenticate")) == (401, (INVALID_TOKEN,))
    assert closed == CUT


@pytest.mark.req("S003-11")
@pytest.mark.parametrize("kid", ["its own", "the issuer's"])
async def test_the_key_of_another_wwsf_signs_for_nobody_else(lab, refused, kid):
    """A pool IMPI, in the name of the pool's WAF, by somebody whose key is known here too."""
    owner, other = lab.issuers["socialnet"], lab.issuers["partner"]
    headers = {"kid": (other if kid == "its own" else owner).key.kid}
    claims = {"iss": owner.url, "client_id": "socialnet", "headers": headers}
    impu = "sip:guest1@ims.example"
    token = other.token("guest1@socialnet.example", [impu], **claims)
    reply, closed = await refused(f"Bearer {token}", impu, "socialnet")

    assert (reply.status, closed) == (401, CUT)
    assert 'error="invalid_token"' in reply.one("WWW-Authenticate")


@pytest.mark.req("S003-21")
@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_clocks_may_differ_by_less_than_the_skew(lab, user, claim):
    ahead = lab.bearer("portal", user.impi, **{claim: int(time.time()) + 20})
    async with await lab.connect() as wic:
        assert (await wic.register(user.impu, ahead)).status == 200


@pytest.mark.req("S003-20", "S003-22")
@pytest.mark.parametrize(
    "scope",
    ["openid", f"x{SCOPE}", f"{SCOPE}x", SCOPE.upper(), f"openid,{SCOPE}", None],
)
async def test_without_the_scope_it_is_401_invalid_scope_and_closed(lab, refused, scope):
    reply, closed = await refused(lab.bearer(scope=scope))

    assert (reply.status, reply.all("WWW-Authenticate")) == (401, (INVALID_SCOPE,))
    assert closed == CUT


@pytest.mark.req("S003-20")
async def test_the_scope_may_stand_among_others(lab):
    async with await lab.connect() as wic:
        reply = await wic.register(ALICE, lab.bearer(scope=f"openid {SCOPE} profile"))

    assert reply.status == 200


FORBIDDEN = {
    "F8: To is none of the token's": {"impus": ["sip:bob@ims.example"]},
    "F8: no IMPU at all": {"ims_impu": []},
    "F9: no IMPI": {"ims_impi": None},
    "F10: client_id of a WWSF that we do not know": {"client_id": "nobody"},
    "F10: client_id of another WWSF than the page's": {"client_id": "partner"},
    "F12: an IMPI of the pool of another WWSF": {"impi": "guest1@socialnet.example"},
    "SX-2: a line break in the IMPI": {"ims_impi": "alice@ims.example\r\nX-Evil: 1"},
    "SX-2: a quotation mark and a comma in the IMPI": {"ims_impi": 'a", realm="x@ims.example'},
    "SX-2: SQL in the IMPI": {"ims_impi": "' OR 1=1; DROP TABLE wwsfs;--"},
    "S003-36: a pattern as IMPI": {"ims_impi": "!.*!@ims.example"},
}


@pytest.mark.req(
    *("S001-3", "S001-18", "S001-19", "S002-6", "S003-9", "S003-10", "S003-19", "S003-36", "SX-2")
)
@pytest.mark.parametrize("name", FORBIDDEN)
async def test_identities_that_are_not_the_users_are_403_and_closed(lab, refused, name):
    claims = {"impi": "alice@ims.example", "impus": [ALICE], **FORBIDDEN[name]}
    reply, closed = await refused(lab.bearer("portal", **claims))

    assert (reply.status, reply.all("WWW-Authenticate")) == (403, ())
    assert closed == CUT


@pytest.mark.req("S001-20")
async def test_an_identity_of_a_domain_that_is_not_ours_is_403_and_closed(lab, refused):
    impu = "sip:alice@elsewhere.example"
    reply, closed = await refused(lab.bearer(impus=[impu]), impu)

    assert (reply.status, closed) == (403, CUT)


@pytest.mark.req("S001-3")
async def test_a_token_of_another_wwsfs_waf_is_403_and_closed(lab, refused):
    token = lab.issuers["partner"].token(client_id="portal")
    reply, closed = await refused(f"Bearer {token}")

    assert (reply.status, closed) == (403, CUT)


@pytest.mark.req("S001-18")
async def test_a_from_that_differs_from_to_is_403_and_closed(lab):
    async with await lab.connect() as wic:
        request = wic.register_request(ALICE, lab.bearer())
        other = str(request).replace(f"From: <{ALICE}>", "From: <sip:bob@ims.example>")
        await wic.send(other.encode())

        assert (await wic.answer(request)).status == 403
        assert await wic.closed() == CUT


@pytest.mark.req("SX-29")
@pytest.mark.parametrize("wwsf", WWSFS)
async def test_without_credentials_the_waf_of_the_page_is_named(lab, wwsf):
    """F1: no error parameter, the socket stays; after the third try it does not."""
    async with await lab.connect(wwsf) as wic:
        replies = [await wic.register(ALICE, None) for _ in range(3)]
        closed = await wic.closed()

    authority = lab.issuers[wwsf].url
    expected = CHALLENGE.replace("https://waf.ims.example", authority)
    assert [reply.status for reply in replies] == [401, 401, 401]
    assert {reply.all("WWW-Authenticate") for reply in replies} == {(expected,)}
    assert closed == CUT


@pytest.mark.req("S001-16", "SX-22")
@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer a b",
        'Bearer access_token=""',
        "Bearer access_token=",
        "Bearer access_token=abc",
        'Bearer access_token="a b"',
        'Bearer access_token="a", access_token="b"',
        'Bearer access_token="a" realm="b"',
        'Bearer realm="ims.example"',
        'Bearer "abc"',
        "Bearer a=b",
        "Bearer ä",
        "Bearer a, Bearer b",
        "Bearer a, Digest username=x",
        'Digest username="x", Bearer abc',
        'Digest username="x",bearer access_token="abc"',
        "Bearer {token}",
        "Bearer " + "a" * 16_385,
    ],
    ids=lambda text: text[:40],
)
async def test_malformed_credentials_are_400_and_closed(refused, authorization):
    reply, closed = await refused(authorization)

    assert (reply.status, closed) == (400, CUT)


@pytest.mark.req("SX-24", "S001-16")
@pytest.mark.parametrize("position", ["before", "behind"])
@pytest.mark.parametrize(
    "second",
    [
        'Digest username="alice@ims.example", response="", integrity-protected="auth-done"',
        "Bearer another",
        "",
    ],
    ids=["digest", "bearer", "empty"],
)
async def test_two_credentials_are_400_and_closed(lab, user, at_core, second, position):
    async with await lab.connect() as wic:
        shown = [f"Authorization: {lab.bearer('portal', user.impi)}", f"authorization: {second}"]
        request = wic.register_request(user.impu, None)
        request = request.plus(*(shown if position == "behind" else reversed(shown)))

        assert (await wic.ask(request)).status == 400
        assert await wic.closed() == CUT
        assert at_core(wic) == []


@pytest.mark.req("S003-17")
@pytest.mark.parametrize(
    "authorization",
    ["", "Bearerabc abc", "Basic YTpi", 'Digest username="alice@ims.example", response="x"'],
)
async def test_what_is_no_token_is_challenged(lab, user, at_core, authorization):
    """F1: at a door for tokens nothing else is judged, and nothing else goes to the core."""
    async with await lab.connect() as wic:
        reply = await wic.register(user.impu, authorization)

        assert (reply.status, reply.all("WWW-Authenticate")) == (401, (CHALLENGE,))
        assert (await wic.register(user.impu, lab.bearer("portal", user.impi))).status == 200
        assert len(at_core(wic)) == 1


@pytest.mark.req("S001-20")
async def test_a_registrar_that_is_not_ours_is_403_and_closed(lab, user, at_core):
    async with await lab.connect() as wic:
        request = wic.register_request(user.impu, lab.bearer("portal", user.impi))

        assert (await wic.ask(request.sent_to("sip:elsewhere.example"))).status == 403
        assert await wic.closed() == CUT
        assert at_core(wic) == []


@pytest.mark.req("S003-21")
async def test_an_expired_token_leaves_a_registered_flow_open(lab):
    """F4: the WIC can get a new token and go on; on a new socket it is cut."""
    expired = lab.bearer(iat=int(time.time()) - 900, exp=int(time.time()) - 300)
    async with await lab.connect() as wic:
        assert (await wic.register(ALICE, lab.bearer())).status == 200
        reply = await wic.register(ALICE, expired)

        assert (reply.status, reply.all("WWW-Authenticate")) == (401, (INVALID_TOKEN,))
        assert (await wic.register(ALICE, lab.bearer())).status == 200


@pytest.mark.req("SX-7")
async def test_a_token_that_is_about_to_die_is_401_and_the_socket_stays(lab):
    """F19."""
    async with await lab.connect() as wic:
        reply = await wic.register(ALICE, lab.bearer(exp=int(time.time()) + 40))

        assert (reply.status, reply.all("WWW-Authenticate")) == (401, (INVALID_TOKEN,))
        assert (await wic.register(ALICE, lab.bearer())).status == 200


@pytest.mark.req("SX-22")
async def test_a_refusal_that_lasts_is_not_judged_again(lab):
    stranger = lab.bearer(iss="https://waf.evil.example")
    for _ in range(3):
        async with await lab.connect() as wic:
            assert (await wic.register(ALICE, stranger)).status == 401
            call_id = wic.call_id
    judged = lab.sidecar.events("register.decided")

    assert not any(event["call_id"] == call_id for event in judged)


async def test_the_operator_is_told_why(lab, refused):
    reply, _ = await refused(lab.bearer(aud="https://api.example"))
    assert reply.status == 401
    call_id = reply.one("Call-ID")
    shown = lab.sidecar.ctl("explain", "--match", call_id)

    assert "audience" in shown
    assert "sip:alice@ims.example" in shown


@pytest.mark.req("SX-3")
async def test_no_token_is_in_any_log(lab, sent, refused):
    good = lab.bearer()
    async with await lab.connect() as wic:
        assert (await wic.register(ALICE, good)).status == 200
    await refused(lab.bearer(aud="https://api.example"))
    logs = [path.read_text(errors="replace") for path in lab.run_dir.rglob("log")]
    # the signature, or what stands for one, is a token's secret part
    secrets = [text.rpartition(".")[2] for text in (good, *sent.credentials)]
    telling = [secret for secret in secrets if len(secret) >= 16]

    assert len(logs) >= 5
    assert telling
    assert [secret for secret in telling if any(secret in log for log in logs)] == []
