"""A web server registers its block at the edge, which asks for its password (static mode)."""

from __future__ import annotations

import pytest

from lab.certificates import Authority
from lab.deployment import Wishes
from lab.digest import auth_parameters
from lab.web_server import Account
from lab.wic import Closed
from tests.scenarios.enterprise import ACCOUNT, CUT, IMPI, PILOT, Enterprise


EDGE = {
    "EPCSCF_WITH_BLOCKS": True,
    "EPCSCF_GRACE": 2,
    "EPCSCF_BLOCK_LEAST": 1,
    "EPCSCF_RATE_WEB_SERVER": 100_000,
}


@pytest.fixture(scope="module")
def enterprise(tmp_path_factory):
    """A deployment with an enterprise that has a block, and a password for it."""
    run_dir = tmp_path_factory.mktemp("enterprise")
    with Enterprise.running(run_dir, "static", Wishes(edge=EDGE)) as running:
        yield running


@pytest.fixture
async def server(enterprise):
    """Its web server; nothing is registered before and after."""
    async with enterprise.registering() as opened:
        yield opened


@pytest.fixture
async def registered(enterprise, server):
    """Its web server, which has registered the block."""
    assert (await server.register()).status == 200
    enterprise.wait_until_registered()
    return server


@pytest.fixture
async def member(enterprise, registered):
    """A user of the block at whose WIC an identity of it is registered."""
    async with await enterprise.connect() as wic:
        assert (await wic.register(DESK, enterprise.token(DESK))).status == 200
        yield wic


DESK = "sip:desk1@ims.example"


@pytest.mark.req("S002-18", "S002-20", "S002-21")
async def test_the_web_server_proves_itself_and_the_core_hears_nothing(enterprise, server):
    core = enterprise.lab.core
    commands, mark = len(core.hss.commands()), core.scscf.mark()
    challenged = await server.ask()
    asked = auth_parameters(challenged.one("WWW-Authenticate"))
    reply = await server.ask()

    assert challenged.status == 401
    assert (asked["realm"], asked["algorithm"]) == ("ims.example", "SHA-256")
    assert (asked["qop"], "stale" in asked) == ("auth", False)
    assert reply.status == 200
    assert reply.one("Contact") == f"<{server.contact}>;expires=600"
    assert reply.one("P-Associated-URI") == f"<{PILOT}>"
    enterprise.wait_until_registered()
    (listed,) = enterprise.lab.sidecar.ctl_json("block", "list")
    assert (listed["wwsf"], "registered_until" in listed) == ("wwsfs/enterprise", True)
    assert len(core.hss.commands()) == commands
    assert core.scscf.wire(since=mark) == []


@pytest.mark.req("S002-20")
async def test_each_challenge_has_a_nonce_of_its_own(server):
    nonces = set()
    for _ in range(3):
        server.challenge = None
        nonces.add(auth_parameters((await server.ask()).one("WWW-Authenticate"))["nonce"])

    assert len(nonces) == 3


@pytest.mark.req("S002-21")
async def test_who_shows_no_credentials_at_all_is_asked_for_them(server):
    assert (await server.ask(changes={"Authorization": None})).status == 401


@pytest.mark.req("S002-21")
async def test_an_unknown_user_is_answered_as_a_wrong_password_is(enterprise, server):
    """Not even with the password that nobody has been given."""
    answers = []
    for account in (
        Account(PILOT, IMPI, "not the password"),
        Account(PILOT, "nobody@ims.example", ACCOUNT.password),
        Account(PILOT, "nobody@ims.example", ""),
    ):
        async with await enterprise.web_server(account) as other:
            told = [await other.ask(), await other.ask()]
            answers.append([(each.status, [h.name for h in each.headers]) for each in told])

    assert answers[0] == answers[1] == answers[2]
    assert [status for status, _ in answers[0]] == [401, 403]
    assert not enterprise.is_registered


@pytest.mark.req("S002-21")
async def test_an_answer_counts_once(enterprise, server):
    assert (await server.register()).status == 200
    used = server.answer()
    assert (await server.ask(changes={"Authorization": used})).status == 200
    again = await server.ask(changes={"Authorization": used})

    assert again.status == 401
    assert auth_parameters(again.one("WWW-Authenticate"))["stale"] == "true"


@pytest.mark.req("S002-21")
async def test_a_nonce_that_is_none_of_ours_is_answered_by_a_new_one(server):
    await server.ask()
    forged = auth_parameters(server.challenge)["nonce"]
    server.challenge = server.challenge.replace(forged, "Y" * len(forged))

    assert (await server.ask()).status == 401
    assert (await server.ask()).status == 200


WEAKER = [
    ("qop=auth, nc=00000001, ", ""),
    ("qop=auth", "qop=auth-int"),
    ("nc=00000001", "nc=1"),
    ("algorithm=SHA-256", "algorithm=MD5"),
    ('uri="sip:ims.example"', 'uri="sip:other.example"'),
    ('realm="ims.example"', 'realm="other.example"'),
    ("cnonce=", "cnonce=,,cnonce="),
    ("nc=00000001", 'nc=00000001, nc=""'),
    ("qop=auth", 'qop=auth, QOP=""'),
    ("username=", 'username="nobody@ims.example", username='),
]


@pytest.mark.req("S002-21")
@pytest.mark.parametrize(("part", "weaker"), WEAKER)
async def test_an_answer_that_proves_less_is_no_answer(enterprise, server, part, weaker):
    await server.ask()
    answer = server.answer()
    assert part in answer
    reply = await server.ask(changes={"Authorization": answer.replace(part, weaker)})

    assert reply.status == 400
    assert not enterprise.is_registered


async def test_of_two_credentials_none_counts(enterprise, server):
    await server.ask()
    request = server.request()
    two = request.plus(f"Authorization: {server.answer()}")

    assert (await server.transport.exchange(two)).status == 400
    assert not enterprise.is_registered


@pytest.mark.req("S002-18")
async def test_who_is_not_the_web_server_is_not_even_asked(enterprise):
    other = enterprise.lab.authority.issue_client("other.example")
    callers = [
        (None, ACCOUNT),
        (other, ACCOUNT),
        (enterprise.credential, Account("sip:bob@ims.example", IMPI, "x")),
    ]
    for shown, account in callers:
        async with await enterprise.caller(shown, account) as stranger:
            reply = await stranger.ask()

        assert (reply.status, reply.all("WWW-Authenticate")) == (403, ())


@pytest.mark.req("S002-18")
async def test_a_certificate_of_another_authority_opens_nothing(enterprise, tmp_path):
    forged = Authority(tmp_path, "forged").issue_client("wws.enterprise.example")
    try:
        async with await enterprise.caller(forged) as stranger:
            status = (await stranger.ask()).status
    except (OSError, EOFError):
        status = None

    assert status in {403, None}


@pytest.mark.req("S002-18", "S002-27")
@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "MESSAGE", "SUBSCRIBE"])
async def test_a_web_server_registers_and_does_nothing_else(server, method):
    request = server.request()
    raw = request.to_bytes().replace(b"REGISTER sip", f"{method} sip".encode(), 1)
    raw = raw.replace(b" REGISTER\r\n", f" {method}\r\n".encode())
    reply = await server.transport.exchange(type(request).parse(raw))

    assert (reply.status, reply.one("Allow")) == (405, "REGISTER")


@pytest.mark.req("S002-33", "S001-27", "S002-35")
async def test_a_member_is_registered_here_while_the_block_is(enterprise, registered):
    lab = enterprise.lab
    mark = lab.core.scscf.mark()
    async with await enterprise.connect() as wic:
        impu, token = "sip:hall-ab@ims.example", enterprise.token("sip:hall-ab@ims.example")
        reply = await wic.register(impu, token)
        judged = len(lab.sidecar.events("register.decided"))
        again = await wic.register(impu, token)

    assert (reply.status, again.status) == (200, 200)
    assert reply.one("P-Associated-URI") == f"<{impu}>"
    assert len(lab.sidecar.events("register.decided")) == judged
    # S002-5: the token says it all, and nobody was asked about it
    assert lab.sidecar.events("introspection.failed") == []
    assert lab.core.scscf.wire(since=mark) == []


@pytest.mark.req("S002-33", "S001-27")
async def test_nobody_is_let_in_before_the_block_is_registered(enterprise, server):
    async with await enterprise.connect() as wic:
        impu = "sip:desk2@ims.example"

        assert (await wic.register(impu, enterprise.token(impu))).status == 403
        assert await wic.closed() == CUT
    decided = enterprise.lab.sidecar.events("register.decided")
    assert decided[-1]["reason"] == "block_not_registered"


@pytest.mark.req("S002-33")
@pytest.mark.parametrize(
    ("impu", "claims", "reason"),
    [
        ("sip:hall-abc@ims.example", {}, "identity_outside_ranges"),
        (PILOT, {}, "identity_not_owned"),
        ("sip:desk3@ims.example", {"client_id": "portal"}, "wwsf_mismatch"),
    ],
)
async def test_a_registered_block_lets_nobody_else_in(
    enterprise, registered, impu, claims, reason
):
    async with await enterprise.connect() as wic:
        assert (await wic.register(impu, enterprise.token(impu, **claims))).status == 403
    assert enterprise.lab.sidecar.events("register.decided")[-1]["reason"] == reason


@pytest.mark.req("S002-28")
async def test_a_refresh_keeps_the_block_and_its_members(enterprise, registered, member):
    before = enterprise.stamps
    assert (await registered.register(900)).status == 200

    assert (await member.register(DESK, enterprise.token(DESK))).status == 200
    assert enterprise.stamps == before


@pytest.mark.req("S002-28")
async def test_the_web_server_ends_the_block_and_its_members_are_gone(
    enterprise, registered, member
):
    """The 1008 is the order's; the REGISTER of another member meets a dead verdict."""
    reply = await registered.register(0)

    assert reply.status == 200
    assert await member.closed() == Closed(1008, "registration ended")
    enterprise.wait_until_over()
    assert not enterprise.lab.edge.stands(DESK)
    async with await enterprise.connect() as again:
        assert (await again.register(DESK, enterprise.token(DESK))).status == 403
    await enterprise.told_of(PILOT, "client")


@pytest.mark.req("S002-29")
async def test_a_block_that_is_not_renewed_ends_as_if_it_had_been_ended(enterprise, server):
    assert (await server.register(4)).status == 200
    enterprise.wait_until_registered()
    async with await enterprise.connect() as wic:
        assert (await wic.register(DESK, enterprise.token(DESK))).status == 200
        assert await wic.closed() == Closed(1008, "registration ended")
    async with await enterprise.connect() as again:
        assert (await again.register(DESK, enterprise.token(DESK))).status == 403


async def test_too_short_a_registration_is_423_and_too_long_a_one_is_shortened(server):
    assert (await server.register(100_000)).one("Contact").endswith(";expires=86400")


@pytest.mark.req("S002-17")
async def test_a_password_is_in_no_log_and_neither_is_its_digest(enterprise, registered):
    digest = str(enterprise.lab.edge.row("ep_block", PILOT)).split("|")[4]
    logs = [path.read_text(errors="replace") for path in enterprise.lab.run_dir.rglob("log")]

    assert len(digest) == 64
    assert [log for log in logs if digest in log or ACCOUNT.password in log] == []
