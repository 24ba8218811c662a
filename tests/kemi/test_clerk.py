from __future__ import annotations

import itertools

import pytest

from hypothesis import given
from hypothesis import strategies as st

from authorizer import refusals as refusals_module
from authorizer.clerk import PATIENCE, Clerk
from authorizer.cuts import Target
from authorizer.kamailio import Kamailio
from authorizer.refusals import REFUSAL_LIFE
from authorizer.rows import forward_row, refusal_row
from authorizer.view import View
from epcscf.control.v1 import control_pb2 as pb
from tests.fakes.ksr import FakeKsr
from tests.kemi.builders import (
    NOW,
    a_forward,
    a_policy,
    a_question,
    a_record,
    a_refusal,
    an_acceptance,
)


class Office:
    """A clerk at work, and what it wants to be asked."""

    def __init__(self, ksr):
        self.ksr = ksr
        kamailio = Kamailio(ksr)
        self.view = View(kamailio)
        self.view.replace(a_policy(revision=7))
        self.asked = []
        self.clerk = Clerk(kamailio, self.view, self.asked.extend)
        self._transactions = (f"{number}:0" for number in itertools.count(1))

    def suspend(self, **facts):
        """Suspend a REGISTER and take its record in; return its transaction."""
        transaction = next(self._transactions)
        self.ksr.suspend(transaction, a_record(**facts))
        ((_, record),) = Kamailio(self.ksr).fetch("ep_ask")
        opened = self.clerk.take_in(transaction, record)
        self.asked.extend([opened] if opened else [])
        return transaction

    def rows_of(self, *transactions):
        return [self.ksr.rows_of(transaction) for transaction in transactions]


@pytest.fixture
def office(ksr):
    return Office(ksr)


def key_of(**facts):
    return a_question(**facts).key


def test_a_verdict_is_kept_and_resumes(office):
    transaction = office.suspend()
    verdict = a_forward(office.asked[0].id)
    office.clerk.settle([verdict])

    assert office.rows_of(transaction) == [[forward_row(verdict)]]
    assert office.ksr.htable.content("ep_verdict") == {key_of(): forward_row(verdict)}
    assert len(office.clerk.desk) == 0


def test_a_verdict_is_kept_as_long_as_it_says(office, time):
    office.suspend()
    office.clerk.settle([a_forward(office.asked[0].id, keep=100)])
    time.pass_by(99)
    assert key_of() in office.ksr.htable.content("ep_verdict")
    time.pass_by(2)

    assert office.ksr.htable.content("ep_verdict") == {}


def test_a_refusal_is_kept_among_refusals_for_half_a_minute_at_most(office, time):
    transaction = office.suspend()
    refusal = a_refusal(office.asked[0].id, keep=900)
    office.clerk.settle([refusal])

    row = refusal_row(refusal)
    assert office.rows_of(transaction) == [[row]]
    assert office.ksr.htable.content("ep_refusal") == {key_of(): row}
    assert office.ksr.htable.content("ep_verdict") == {}

    time.pass_by(REFUSAL_LIFE + 1)
    assert office.ksr.htable.content("ep_refusal") == {}


def test_followers_share_a_verdict_that_may_be_kept(office):
    transactions = [office.suspend(call_id=call_id) for call_id in "abc"]
    verdict = a_forward(office.asked[0].id)
    office.clerk.settle([verdict])

    assert len(office.asked) == 1
    assert office.rows_of(*transactions) == [[forward_row(verdict)]] * 3


@pytest.mark.parametrize("make", [a_forward, a_refusal])
def test_a_verdict_for_one_request_only_is_not_shared(office, time, make):
    first, second, third = [office.suspend(call_id=call_id) for call_id in "abc"]
    time.pass_by(2)
    office.clerk.settle([make(office.asked[0].id, keep=0)])

    assert [len(rows) for rows in office.rows_of(first, second, third)] == [1, 0, 0]
    assert office.ksr.htable.content("ep_verdict") == {}
    assert office.ksr.htable.content("ep_refusal") == {}

    # Those that followed ask for themselves, and wait no longer than they would have.
    assert [opened.transactions for opened in office.asked[1:]] == [[second, third]]
    assert office.asked[1].give_up_at == office.asked[0].give_up_at
    assert office.asked[1].id != office.asked[0].id


def test_a_verdict_under_a_stale_stamp_is_asked_for_again(office):
    transaction = office.suspend()
    office.view.replace(a_policy(stamps=(("shop/waf", "2.1.1"),)))
    office.clerk.settle([a_forward(office.asked[0].id, stamp="1.1.1")])

    assert office.rows_of(transaction) == [[]]
    assert office.ksr.htable.content("ep_verdict") == {}
    assert office.asked == [office.asked[0]] * 2

    office.clerk.settle([a_forward(office.asked[0].id, stamp="2.1.1")])
    assert len(office.rows_of(transaction)[0]) == 1


def test_a_refusal_needs_no_stamp(office):
    transaction = office.suspend()
    office.view.replace(a_policy(stamps=()))
    office.clerk.settle([a_refusal(office.asked[0].id)])

    assert len(office.rows_of(transaction)[0]) == 1


def test_an_unsafe_verdict_spoils_only_its_own(office):
    spoilt, good = office.suspend(to="sip:a@ims.example"), office.suspend(to="sip:b@ims.example")
    one, other = (opened.id for opened in office.asked)
    office.clerk.settle([a_forward(one, impi="a\r\nContact: <sip:eve@x>"), a_forward(other)])

    assert office.rows_of(spoilt, good) == [[""], [forward_row(a_forward(other))]]
    assert list(office.ksr.htable.content("ep_verdict")) == [key_of(to="sip:b@ims.example")]


@pytest.mark.parametrize("mark", ["\n", "\r", "\0"])
def test_what_is_logged_of_an_unsafe_verdict_stays_on_its_line(office, mark):
    transaction = office.suspend()
    office.clerk.settle([a_forward(office.asked[0].id, decision=f"d1{mark}forged")])

    assert office.rows_of(transaction) == [[""]]
    assert "verdict.unsafe" in office.ksr.logged[-1]
    assert not set("\n\r\0") & set(office.ksr.logged[-1].removesuffix("\n"))


@pytest.mark.parametrize("keep", [0, 900])
def test_a_verdict_of_an_unknown_ending_is_none(office, keep):
    transactions = [office.suspend(call_id=call_id) for call_id in "ab"]
    office.clerk.settle([pb.Verdict(id=office.asked[0].id, keep_seconds=keep)])

    assert office.rows_of(*transactions) == [[""], [""]]
    assert office.ksr.htable.content("ep_verdict") == {}


def test_a_verdict_about_nothing_that_is_open_changes_nothing(office):
    transaction = office.suspend()
    verdict = a_forward(office.asked[0].id)
    office.clerk.settle([verdict, verdict, a_refusal(99)])

    assert len(office.rows_of(transaction)[0]) == 1
    assert office.ksr.htable.content("ep_refusal") == {}


@pytest.mark.parametrize("make", [a_forward, a_refusal])
def test_without_memory_it_is_still_resumed(office, make):
    transaction = office.suspend()
    office.ksr.htable.has_memory = False
    office.clerk.settle([make(office.asked[0].id)])

    assert [bool(row) for row in office.rows_of(transaction)[0]] == [True]
    assert "not_kept" in office.ksr.logged[-1]


def test_refusals_that_anybody_can_cause_are_bounded(office, time, monkeypatch):
    monkeypatch.setattr(refusals_module, "REFUSALS_AT_MOST", 2)
    for attempt in range(3):
        transaction = office.suspend(authorization=f"Bearer {attempt}")
        office.clerk.settle([a_refusal(office.asked[-1].id)])
        assert len(office.rows_of(transaction)[0]) == 1
    assert len(office.ksr.htable.content("ep_refusal")) == 2

    # Room is made by time.
    time.pass_by(REFUSAL_LIFE + 1)
    office.suspend(authorization="Bearer late")
    office.clerk.settle([a_refusal(office.asked[-1].id)])
    assert list(office.ksr.htable.content("ep_refusal")) == [key_of(authorization="Bearer late")]


def test_a_refusal_that_is_not_kept_takes_no_room(office, monkeypatch):
    monkeypatch.setattr(refusals_module, "REFUSALS_AT_MOST", 1)
    for keep in (0, 30):
        office.suspend(authorization=f"Bearer {keep}")
        office.clerk.settle([a_refusal(office.asked[-1].id, keep=keep)])

    assert list(office.ksr.htable.content("ep_refusal")) == [key_of(authorization="Bearer 30")]


@pytest.mark.req("SX-17")
def test_who_waited_long_enough_is_resumed_without_a_verdict(office, time):
    transactions = [office.suspend(call_id=call_id) for call_id in "ab"]
    office.clerk.give_up(time.monotonic() + PATIENCE - 0.1)
    assert office.rows_of(*transactions) == [[], []]
    office.clerk.give_up(time.monotonic() + PATIENCE)

    assert office.rows_of(*transactions) == [[""], [""]]


@pytest.mark.parametrize(("waited", "left"), [(3, PATIENCE - 3), (0, PATIENCE), (-60, PATIENCE)])
def test_patience_counts_from_the_queue_and_never_grows(office, time, waited, left):
    office.suspend(stamp=f"{int(NOW) - waited}.250000")

    assert office.asked[0].give_up_at == pytest.approx(time.monotonic() + left)


@pytest.mark.parametrize("make", [a_forward, an_acceptance])
def test_a_verdict_that_comes_too_late_is_for_whoever_comes_next(office, time, make):
    transaction = office.suspend()
    office.clerk.give_up(time.monotonic() + PATIENCE)
    office.clerk.settle([make(office.asked[0].id)] * 2)

    assert office.rows_of(transaction) == [[""]]
    assert list(office.ksr.htable.content("ep_verdict")) == [key_of()]
    assert office.ksr.htable.content("ep_count") == {"late_verdicts": 1}


@pytest.mark.parametrize(
    "late",
    [
        a_refusal(1),
        a_forward(1, stamp="1.1.0"),
        a_forward(1, keep=0),
        a_forward(1, authorization="Digest\r\nX: y"),
        pb.Verdict(id=1, keep_seconds=900),
    ],
    ids=["a refusal", "of another policy", "for one request", "unsafe", "of an unknown ending"],
)
def test_of_what_comes_too_late_nothing_else_is_kept(office, time, late):
    office.suspend()
    office.clerk.give_up(time.monotonic() + PATIENCE)
    office.clerk.settle([late])

    assert office.ksr.htable.content("ep_verdict") == {}
    assert office.ksr.htable.content("ep_refusal") == {}


def test_what_comes_too_late_about_somebody_cut_off_is_not_kept(office, time):
    office.suspend()
    office.clerk.give_up(time.monotonic() + PATIENCE)
    office.clerk.cut(Target("wwsf", "shop"))
    office.clerk.settle([a_forward(office.asked[0].id)])

    assert office.ksr.htable.content("ep_verdict") == {}


def test_a_malformed_record_is_resumed_without_a_verdict_and_alone(office):
    good = office.suspend()
    for record in ("x" * 10, None):
        office.ksr.suspend("9:9", record)
        assert office.clerk.take_in("9:9", record) is None
        assert office.rows_of("9:9").pop().pop() == ""

    assert office.rows_of(good) == [[]]
    assert "question.malformed" in office.ksr.logged[-1]


def test_giving_up_leaves_nobody(office):
    transactions = [office.suspend(to=to) for to in ("sip:a@x", "sip:b@x", "sip:a@x")]
    office.clerk.give_up_all()

    assert office.rows_of(*transactions) == [[""]] * 3
    assert len(office.clerk.desk) == 0


@pytest.mark.req("SX-3")
def test_nothing_that_is_logged_holds_a_token(office):
    office.suspend(authorization="Bearer t0ken")
    office.clerk.settle([a_forward(office.asked[0].id, authorization="t0ken\n")])
    office.ksr.suspend("9:9", "shop|Bearer t0ken")
    office.clerk.take_in("9:9", "shop|Bearer t0ken")

    assert len(office.ksr.logged) == 3
    assert "t0ken" not in "".join(office.ksr.logged)


numbers = st.integers(1, 12)
verdicts = st.one_of(
    st.builds(
        a_forward,
        numbers,
        keep=st.sampled_from([0, 900]),
        stamp=st.sampled_from(["1.1.1", "9.9.9"]),
        impi=st.sampled_from(["a@b", "a\n"]),
    ),
    st.builds(a_refusal, numbers, keep=st.sampled_from([0, 30]), status=st.integers(399, 404)),
    st.builds(pb.Verdict, id=numbers),
)
operations = st.one_of(
    st.tuples(st.just("suspend"), st.sampled_from("abc"), st.integers(0, 8)),
    st.tuples(st.just("settle"), st.lists(verdicts, max_size=4)),
    st.tuples(st.just("give up"), st.integers(0, 9)),
    st.tuples(st.just("memory"), st.booleans()),
)


@given(st.lists(operations, max_size=30))
def test_whatever_happens_each_register_is_resumed_once(steps):
    """FakeKsr raises if it is done twice."""
    office, suspended = Office(FakeKsr(clock=lambda: NOW)), []
    for step in steps:
        match step:
            case ("suspend", user, waited):
                stamp = f"{int(NOW) - waited}.0"
                suspended.append(office.suspend(to=f"sip:{user}@ims.example", stamp=stamp))
            case ("settle", batch):
                office.clerk.settle(batch)
            case ("give up", later):
                office.clerk.give_up(office.asked[0].give_up_at + later if office.asked else 0)
            case ("memory", has):
                office.ksr.htable.has_memory = has
    office.clerk.give_up_all()

    assert [len(rows) for rows in office.rows_of(*suspended)] == [1] * len(suspended)
