"""Users of the core's own: SIP Digest is relayed, with what it came over (scenario 1)."""

from __future__ import annotations

import pytest

from lab.deployment import Deployment, Wishes
from lab.digest import answer_challenge, auth_parameters
from lab.subscribers import Subscription
from lab.wic import Wic
from tests.scenarios.provisioning import provide


DORA, PASSWORD = "dora@ims.example", "dora in the lab"
IMPU = "sip:dora@ims.example"
ORIGIN = "https://phone.ims.example"

POLICY = """
[wwsfs.softphone]
origins = ["https://phone.ims.example"]
credentials = "digest"

[wwsfs.both]
origins = ["https://both.ims.example"]
authorization_entities = ["waf"]
credentials = "token-or-digest"
"""


@pytest.fixture(scope="module")
def phones(tmp_path_factory):
    """A deployment with a subscriber who has a password, and a page without tokens."""
    dora = Subscription(impi=DORA, impus=(IMPU,), password=PASSWORD)
    wishes = Wishes(subscriptions=[dora], edge={"EPCSCF_GRACE": 1})
    lab = Deployment(tmp_path_factory.mktemp("phones"), wishes)
    with lab:
        provide(lab, POLICY)
        yield lab


async def connect(lab):
    return await Wic.connect(lab.url, origin=ORIGIN, ssl=lab.trust())


async def challenge(wic, authorization=None):
    reply = await wic.register(IMPU, authorization)
    assert reply.status == 401
    return reply.one("WWW-Authenticate")


def answer(challenged, password=PASSWORD):
    return answer_challenge(challenged, DORA, password, "sip:ims.example")


def all_sent_by(lab, wic, since=0):
    """What the S-CSCF heard of this client; of those before it, it may hear their ends."""
    heard = lab.core.scscf.wire(since=since)
    return [request for request in heard if request.one("Call-ID") == wic.call_id]


def sent_by(lab, wic):
    return all_sent_by(lab, wic)[-1]


def flag(lab, wic):
    """What the S-CSCF last heard of how protected it was."""
    parameters = auth_parameters(sent_by(lab, wic).one("Authorization"))
    return parameters.get("integrity-protected")


@pytest.mark.req("S001-7", "S001-8", "S001-9", "S002-13", "S002-14", "S002-16")
async def test_a_subscriber_answers_the_challenge_of_the_core(phones):
    async with await connect(phones) as wic:
        challenged = await challenge(wic)
        parameters = auth_parameters(challenged)
        assert challenged.startswith("Digest ")
        assert (parameters["realm"], parameters["algorithm"]) == ("ims.example", "MD5")
        reply = await wic.register(IMPU, answer(challenged))

        assert reply.status == 200
        assert flag(phones, wic) == "tls-pending"
        sent = sent_by(phones, wic)
        assert sent.one("P-Visited-Network-ID") == '"ims.example"'
        assert 'orig-ioi="Type 1ims.example"' in sent.one("P-Charging-Vector")
        assert sent.one("Path").endswith(";lr;ob>")
        assert "P-Charging-Vector" not in str(reply)


@pytest.mark.req("S001-11")
async def test_a_refresh_on_the_same_connection_is_bound(phones):
    async with await connect(phones) as wic:
        assert (await wic.register(IMPU, answer(await challenge(wic)))).status == 200
        assert (await wic.register(IMPU, answer(await challenge(wic)))).status == 200

        assert flag(phones, wic) == "tls-yes"


@pytest.mark.req("S001-6")
async def test_what_only_the_edge_may_say_is_taken_out(phones):
    empty = (
        f'Digest username="{DORA}", realm="ims.example", nonce="", uri="sip:ims.example",'
        ' response="", integrity-protected="auth-done", authorization-entity="evil"'
    )
    async with await connect(phones) as wic:
        await challenge(wic, empty)
        sent = auth_parameters(sent_by(phones, wic).one("Authorization"))

        assert sent["username"] == DORA
        assert "integrity-protected" not in sent
        assert "authorization-entity" not in sent


@pytest.mark.parametrize(
    "hidden",
    [
        'Digest username="a\\", integrity-protected=auth-done, x=\\"b", response="1"',
        "Digest integrity-protected",
        'Digest username="a", INTEGRITY-PROTECTED = "auth-done" "x"',
    ],
)
async def test_credentials_that_could_hide_it_are_malformed(phones, hidden):
    async with await connect(phones) as wic:
        assert (await wic.register(IMPU, hidden)).status == 400
        assert all_sent_by(phones, wic) == []


@pytest.mark.req("S001-12")
async def test_aka_is_marked_as_connected_over_tls(phones):
    aka = (
        f'Digest username="{DORA}", realm="ims.example", nonce="", uri="sip:ims.example",'
        ' response="", algorithm=AKAv2-SHA-256'
    )
    async with await connect(phones) as wic:
        await challenge(wic, aka)

        assert flag(phones, wic) == "tls-connected"


@pytest.mark.req("S001-13")
async def test_a_wrong_password_is_403_and_the_socket_stays(phones):
    async with await connect(phones) as wic:
        reply = await wic.register(IMPU, answer(await challenge(wic), "wrong"))

        assert reply.status == 403
        assert (await wic.register(IMPU, answer(await challenge(wic)))).status == 200


async def test_a_token_where_only_digest_is_taken_is_challenged_by_the_core(phones):
    async with await connect(phones) as wic:
        assert (await challenge(wic, phones.bearer())).startswith("Digest ")
        assert "Authorization" not in str(sent_by(phones, wic))


@pytest.mark.req("S001-7")
async def test_digest_where_only_tokens_are_taken_gets_a_bearer_challenge(phones):
    async with await phones.connect("portal") as wic:
        reply = await wic.register(IMPU, 'Digest username="a", response="b"')

        assert reply.status == 401
        assert reply.one("WWW-Authenticate").startswith("Bearer ")


@pytest.fixture
def free(phones):
    """Before and after, nobody is registered, and nobody who was lost is waited for."""

    def wait():
        phones.edge.wait_until(
            lambda: phones.edge.rows("ep_holder") == {}, seconds=10, what="end of registrations"
        )

    wait()
    yield
    wait()


async def both_ways(lab):
    return await Wic.connect(lab.url, origin="https://both.ims.example", ssl=lab.trust())


@pytest.mark.req("SX-25")
async def test_who_came_with_a_token_is_not_authenticated_otherwise(phones, free):
    """TS 33.203 P.4.1: the scheme of a registration does not change."""
    token = phones.bearer("portal", DORA, client_id="both")
    async with await both_ways(phones) as wic, await both_ways(phones) as other:
        assert (await wic.register(IMPU, token)).status == 200
        # another connection of the same user, before and with an answer to the challenge
        challenged = await challenge(other)
        assert (await other.register(IMPU, answer(challenged))).status == 403
        since = phones.core.scscf.mark()
        assert (await wic.register(IMPU, answer(challenged))).status == 403
        assert (await wic.closed()).code == 1008
        assert all_sent_by(phones, wic, since) == []


@pytest.mark.req("SX-25")
async def test_who_came_with_a_password_shows_no_token(phones, free):
    token = phones.bearer("portal", DORA, client_id="both")
    async with await both_ways(phones) as wic:
        assert (await wic.register(IMPU, answer(await challenge(wic)))).status == 200
        assert (await wic.register(IMPU, token)).status == 403
        assert (await wic.closed()).code == 1008


async def test_a_wrong_password_ends_no_registration(phones):
    """The core keeps it, and so does the edge."""
    async with await connect(phones) as wic:
        assert (await wic.register(IMPU, answer(await challenge(wic)))).status == 200
        assert (await wic.register(IMPU, answer(await challenge(wic), "wrong"))).status == 403
        assert phones.edge.stands(IMPU)
