"""The relay between a stack and an HSS, over sockets."""

from __future__ import annotations

import asyncio

import pytest

from cxrelay.admissions import TABLE, Admissions
from cxrelay.codes import ORIGIN_HOST, SESSION_ID, USER_NAME
from cxrelay.diameter import Message
from cxrelay.link import messages
from cxrelay.questions import Questions
from cxrelay.ranges import RegisteredRanges
from cxrelay.relay import Relay, pairs
from lab.cx import SERVER_NAME, Assignment, Command, CxRequest
from lab.diameter import AUTH_APPLICATION_ID, DESTINATION_REALM, RESULT_CODE, Avp, Identity
from lab.diameter import Message as Other
from lab.ports import free_port
from tests.fakes.cscf import FakeCscf
from tests.kemi.cx_messages import IMPI, IMPU, message, names, read, saa, sar


ME, HSS = Identity("scscf.ims.example", "ims.example"), Identity("hss.ims.example", "ims.example")
NAME = "sip:scscf.ims.example"
WAF = b"waf1".hex()
FIRST, UNDONE = "1", "8"


class End:
    """One end of a connection."""

    def __init__(self, reader, writer):
        self._messages = messages(reader)
        self.writer = writer

    async def receive(self) -> Message | None:
        return await asyncio.wait_for(anext(self._messages, None), 5)

    def send(self, *octets: bytes) -> None:
        self.writer.write(b"".join(octets))


def base(command, *avps, answer=False):
    made = Other(command, 0, avps, is_request=not answer, hop_by_hop=9, end_to_end=9)
    return made.to_bytes()


def answered(asked: Message, *avps, result=2001):
    """Answer as an HSS does."""
    told = read(asked.octets).answer(Avp(RESULT_CODE, result), *HSS.origin(), *avps)
    return told.to_bytes()


@pytest.fixture
def kamailio():
    return FakeCscf(SCSCF_NAME=NAME, SCSCF_CX_REALM="ims.example", SCSCF_ASK_TIMEOUT="200")


@pytest.fixture
def admissions(kamailio):
    return Admissions(kamailio)


@pytest.fixture
def relay(kamailio, admissions):
    return Relay(kamailio, admissions, RegisteredRanges(kamailio))


@pytest.fixture
def questions(kamailio, relay, admissions):
    return Questions(kamailio, relay, admissions)


@pytest.fixture
async def ends(relay):
    """Stack and HSS, with the relay in between."""
    place, hss = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
    connected = asyncio.get_running_loop().create_future()

    async def serve(reader, writer):
        connected.set_result(End(reader, writer))

    async with await asyncio.start_server(serve, *hss), await relay.listen(place, hss):
        stack = End(*await asyncio.open_connection(*place))
        core = await connected
        yield stack, core
        for end in (stack, core):
            end.writer.close()


@pytest.fixture
async def introduced(ends):
    """The same, capabilities exchanged."""
    stack, hss = ends
    stack.send(base(257, *ME.origin()))
    hss.send(answered(await hss.receive()))
    assert (await stack.receive()).command == 257
    return stack, hss


def ask(kamailio, kind=FIRST):
    impi, impu = "YUBpbXMuZXhhbXBsZQ==", "c2lwOmFAaW1zLmV4YW1wbGU="
    kamailio.queue("sc_ask", "7:8", f"{kind}|{impi}|{impu}")


async def told(kamailio):
    """Wait for what a route is told."""
    await kamailio.until(lambda: kamailio.queues["sc_answer"])
    return kamailio.queues["sc_answer"].pop()


async def test_all_goes_through_as_it_came_and_in_order(introduced):
    stack, hss = introduced
    up = [base(280), sar().octets, message(Command.MULTIMEDIA_AUTH).octets]
    down = [base(280, answer=True), message(Command.REGISTRATION_TERMINATION).octets]

    stack.send(*up)
    hss.send(*down)

    assert [(await hss.receive()).octets for _ in up] == up
    assert [(await stack.receive()).octets for _ in down] == down


async def test_an_answer_is_heard_before_the_stack_gets_it(introduced, kamailio):
    stack, hss = introduced
    stack.send(sar().octets)
    await hss.receive()

    hss.send(saa(names("waf1")).octets)

    assert (await stack.receive()).octets == saa(names("waf1")).octets
    assert kamailio.tables[TABLE] == {IMPI: WAF}


async def test_an_answer_that_cannot_be_read_is_the_stack_s(introduced, kamailio):
    stack, hss = introduced
    stack.send(sar().octets)
    await hss.receive()
    broken = b"\1\0\0\x1c" + saa().octets[4:20] + b"\0\0\0\x01@\0\0\x09"

    hss.send(broken)

    assert (await stack.receive()).octets == broken
    assert set(kamailio.logged) == {"cx.unreadable why=the length of an AVP does not fit"}
    hss.send(base(280))
    assert (await stack.receive()).command == 280


@pytest.mark.req("S000-21")
async def test_a_pushed_list_is_answered_in_the_name_of_the_stack(introduced, kamailio):
    stack, hss = introduced
    kamailio.write(TABLE, IMPI, "-")

    hss.send(message(Command.PUSH_PROFILE, Avp(USER_NAME, IMPI), names("waf1")).octets)
    hss.send(base(280))

    reply = await hss.receive()
    assert (reply.command, reply.result(), reply.text(ORIGIN_HOST)) == (305, 2001, ME.host)
    assert kamailio.row(TABLE, IMPI) == WAF
    # the stack has not seen it
    assert (await stack.receive()).command == 280


@pytest.mark.req("S000-16")
async def test_a_question_goes_out_in_the_name_of_the_stack(introduced, kamailio, questions):
    stack, hss = introduced
    ask(kamailio)
    questions.take()

    asked = await hss.receive()
    seen = CxRequest.from_message(read(asked.octets))
    assert (seen.peer, seen.impi, seen.impu) == (ME.host, IMPI, IMPU)
    assert (seen.assignment, seen.server_name) == (Assignment.REGISTRATION, NAME)
    assert not seen.has_profile
    assert read(asked.octets).get(DESTINATION_REALM) == b"ims.example"
    assert read(asked.octets).get(SERVER_NAME) == NAME
    application = next(avp for avp in read(asked.octets).avps if avp.code == 260)
    assert application.find(AUTH_APPLICATION_ID) == 16777216
    hss.send(answered(asked, names("waf1")), base(280))
    assert await told(kamailio) == ("7:8", WAF)
    assert (await stack.receive()).command == 280


@pytest.mark.req("S000-16")
async def test_questions_are_told_apart(introduced, kamailio, questions):
    _, hss = introduced
    ask(kamailio)
    ask(kamailio, UNDONE)
    questions.take()

    first, second = await hss.receive(), await hss.receive()

    assert first.identifiers != second.identifiers
    assert first.text(SESSION_ID) != second.text(SESSION_ID)


async def test_a_refusal_of_the_hss_is_told(introduced, kamailio, questions):
    _, hss = introduced
    ask(kamailio)
    questions.take()

    hss.send(answered(await hss.receive(), result=5012))

    assert await told(kamailio) == ("7:8", "!hss_5012")


async def test_silence_is_told(introduced, kamailio, questions):
    stack, hss = introduced
    ask(kamailio)
    questions.take()
    asked = await hss.receive()

    assert await told(kamailio) == ("7:8", "!no_answer")
    assert kamailio.logged == [
        f"admitted.not_told impi={IMPI} why=the hss did not answer within 0.2 s"
    ]
    # what comes too late does no harm
    hss.send(answered(asked, names("waf1")), base(280))
    assert (await stack.receive()).command == 301
    assert (await stack.receive()).command == 280


async def test_the_end_of_the_connection_is_told(introduced, kamailio, questions):
    stack, hss = introduced
    ask(kamailio)
    questions.take()
    await hss.receive()

    hss.writer.close()

    assert await told(kamailio) == ("7:8", "!no_answer")
    assert await stack.receive() is None


@pytest.mark.parametrize("result", [None, 3010])
async def test_nobody_is_asked_before_the_stack_is_accepted(ends, kamailio, questions, result):
    stack, hss = ends
    if result:
        stack.send(base(257, *ME.origin()))
        hss.send(answered(await hss.receive(), result=result))
        await stack.receive()
    ask(kamailio)
    questions.take()

    assert await told(kamailio) == ("7:8", "!no_answer")
    assert kamailio.logged == [f"admitted.not_told impi={IMPI} why=no hss is connected"]


@pytest.mark.req("S000-16")
async def test_what_was_told_to_the_hss_is_undone(introduced, kamailio, questions):
    stack, hss = introduced
    kamailio.write(TABLE, IMPI, WAF)
    kamailio.queue("sc_undo", "-", "YUBpbXMuZXhhbXBsZQ==|c2lwOmFAaW1zLmV4YW1wbGU=")
    questions.take()

    asked = await hss.receive()
    seen = CxRequest.from_message(read(asked.octets))
    assert (seen.assignment, seen.impi) == (Assignment.ADMINISTRATIVE_DEREGISTRATION, IMPI)
    hss.send(answered(asked), base(280))

    assert (await stack.receive()).command == 280
    await kamailio.until(lambda: not kamailio.tables[TABLE])
    assert kamailio.logged == []


@pytest.mark.req("S000-16")
async def test_a_registration_that_is_about_to_be_is_not_undone(introduced, kamailio, questions):
    stack, hss = introduced
    kamailio.write("sc_coming", f"{IMPI}|{IMPU}", "1")
    kamailio.queue("sc_undo", "-", "YUBpbXMuZXhhbXBsZQ==|c2lwOmFAaW1zLmV4YW1wbGU=")
    questions.take()

    stack.send(base(280))

    assert (await hss.receive()).command == 280


async def test_what_could_not_be_undone_is_noted(introduced, kamailio, questions):
    _, hss = introduced
    kamailio.queue("sc_undo", "-", "YUBpbXMuZXhhbXBsZQ==|c2lwOmFAaW1zLmV4YW1wbGU=")
    questions.take()

    hss.send(answered(await hss.receive(), result=5001))

    await kamailio.until(lambda: kamailio.logged)
    assert kamailio.logged == [f"registration.not_undone impi={IMPI} impu={IMPU} why=hss_5001"]


async def test_what_is_no_diameter_ends_the_connection(ends, kamailio):
    stack, hss = ends

    stack.send(b"GET / HTTP/1.1\r\n\r\nxx")

    assert await hss.receive() is None
    assert await stack.receive() is None


async def test_an_hss_that_is_away_costs_the_stack_its_connection(relay, kamailio):
    place, nobody = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
    async with await relay.listen(place, nobody):
        stack = End(*await asyncio.open_connection(*place))

        assert await stack.receive() is None
        stack.writer.close()
    assert kamailio.logged[0].startswith(f"cx.unreachable hss=127.0.0.1:{nobody[1]} why=")


def test_places_are_read():
    assert pairs("127.0.0.1:1=10.0.0.1:2, [::1]:3=hss.example:4") == [
        (("127.0.0.1", 1), ("10.0.0.1", 2)),
        (("::1", 3), ("hss.example", 4)),
    ]


@pytest.mark.parametrize("text", ["", "127.0.0.1:1", "127.0.0.1:1=", "x=y", "a:1=b:0", "a:1=b:x"])
def test_what_is_no_place_is_named(text):
    with pytest.raises(ValueError, match="no address with a port in CX_RELAY"):
        pairs(text)
