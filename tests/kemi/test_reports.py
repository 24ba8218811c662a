"""What is told of registrations, in which order, and what makes good for what is lost."""

from __future__ import annotations

import pytest

from authorizer import reports as reports_module
from authorizer.reports import AT_ONCE, KEPT_AT_MOST, Reports
from authorizer.roster import Roster
from authorizer.standing import registration
from epcscf.control.v1 import registrations_pb2 as pb
from tests.kemi.builders import NOW, a_binding


@pytest.fixture(autouse=True)
def _clock(monkeypatch, time):
    monkeypatch.setattr(reports_module, "time", time)


class Desk:
    """Reports at work, and what they have said."""

    def __init__(self, ksr, kamailio):
        self.ksr = ksr
        self.said = []
        self.reports = Reports(kamailio, Roster(kamailio), self.said.append)

    def stand(self, *bindings, seconds=600):
        for key, row in bindings:
            self.ksr.htable.sht_setxs("ep_binding", key, row, seconds)
            self.queue("stands", key)

    def queue(self, kind, tale):
        self.ksr.mqueue.waiting["ep_report"].append((kind, tale))

    def told(self):
        """Say all there is to say; return it as (what, of whom)."""
        while self.reports.work():
            pass
        return [
            (each.WhichOneof("event"), each)
            for frame in self.said
            for each in frame.reports.reports
        ]


@pytest.fixture
def desk(ksr, kamailio):
    return Desk(ksr, kamailio)


def test_a_registration_is_told_with_all_that_is_known_of_it(desk):
    key, row = a_binding(
        7, impu="sip:bob@ims.example", impi="bob@ims.example", scope="shop/waf", token_id="t1"
    )
    desk.stand((key, row), seconds=600)
    desk.reports.open = True

    ((kind, report),) = desk.told()
    assert kind == "stands"
    assert report.stands == pb.Registration(
        id=key,
        connection="7",
        wwsf="shop",
        scope="shop/waf",
        impi="bob@ims.example",
        impu="sip:bob@ims.example",
        identities=["sip:bob@ims.example", "tel:+15550100"],
        subject="ab12",
        token_id="t1",
        token_expires_at=1_700_003_600,
        expires_at=int(NOW) + 600,
        contact="sip:a@x.invalid",
        decision_id="d1",
    )


def test_whom_the_core_authenticated_has_no_token(desk):
    key, row = a_binding(subject="digest", token_id="")
    digest = row.replace("1|F|", "1|D|", 1)

    told = registration(key, digest, 5)
    assert (told["subject"], told["token_id"], told["local"]) == ("", "", False)
    assert registration(key, row.replace("1|F|", "1|A|", 1), 5)["local"]


def test_what_happens_is_told_in_its_order_and_once(desk):
    first, second = a_binding(1), a_binding(2)
    desk.reports.open = True
    desk.stand(first)
    desk.queue("declined", "403|d9")
    desk.stand(second)
    desk.queue("ended", f"network|{second[0]}")

    told = desk.told()
    assert [kind for kind, _ in told] == ["stands", "declined", "stands", "ended"]
    assert (told[1][1].declined.status, told[1][1].declined.decision_id) == (403, "d9")
    assert told[3][1].ended == pb.Ended(id=second[0], cause=pb.CAUSE_NETWORK)
    desk.said.clear()
    assert desk.told() == []


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("client", pb.CAUSE_CLIENT),
        ("expired", pb.CAUSE_EXPIRED),
        ("token_expired", pb.CAUSE_TOKEN_EXPIRED),
        ("connection_lost", pb.CAUSE_CONNECTION_LOST),
        ("replaced", pb.CAUSE_REPLACED),
        ("network", pb.CAUSE_NETWORK),
        ("ordered", pb.CAUSE_ORDERED),
    ],
)
def test_causes_are_those_of_the_contract(desk, name, cause):
    desk.reports.open = True
    desk.queue("ended", f"{name}|1|x")

    ((_, report),) = desk.told()
    assert report.ended.cause == cause


@pytest.mark.req("S003-3", "SX-30")
def test_what_ended_before_its_row_was_read_is_told_with_both_its_ends(desk):
    """Else nobody would hear that the identity was somebody's, and is free again."""
    key, row = a_binding()
    desk.reports.open = True
    desk.stand((key, row))
    desk.ksr.htable.sht_rm("ep_binding", key)
    desk.queue("ended", f"client|{key}|{row}")

    told = desk.told()
    assert [kind for kind, _ in told] == ["stands", "ended"]
    assert told[0][1].stands == pb.Registration(**registration(key, row, int(NOW)))
    assert told[1][1].ended == pb.Ended(id=key, cause=pb.CAUSE_CLIENT)


def test_what_was_told_already_ends_and_nothing_else(desk):
    key, row = a_binding()
    desk.reports.open = True
    desk.stand((key, row))
    desk.told()
    desk.said.clear()
    desk.queue("ended", f"client|{key}|{row}")

    assert [kind for kind, _ in desk.told()] == ["ended"]


def test_without_a_stream_it_is_kept(desk):
    desk.stand(a_binding())
    assert desk.told() == []
    desk.reports.open = True

    assert [kind for kind, _ in desk.told()] == ["stands"]


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, 2 * AT_ONCE + 1])
def test_the_roll_is_told_in_frames_and_says_when_it_is_over(desk, count):
    bindings = [a_binding(number) for number in range(count)]
    for key, row in bindings:
        desk.ksr.htable.sht_setxs("ep_binding", key, row, 600)
    desk.reports.open = True
    desk.reports.call_roll()
    desk.told()

    rolls = [frame.roll for frame in desk.said]
    assert [roll.complete for roll in rolls] == [False] * (len(rolls) - 1) + [True]
    assert {each.id for roll in rolls for each in roll.registrations} == {k for k, _ in bindings}
    assert all(len(roll.registrations) <= AT_ONCE for roll in rolls)


def test_what_was_lost_on_the_way_is_made_good_by_a_roll(desk):
    key, row = a_binding()
    desk.ksr.htable.sht_setxs("ep_binding", key, row, 600)
    desk.reports.open = True
    assert desk.told() == []
    desk.ksr.htable.sht_seti("ep_count", "untold", 3)
    desk.told()

    (roll,) = [frame.roll for frame in desk.said]
    assert [each.id for each in roll.registrations] == [key]
    assert any("reports.lost so_far=3" in line for line in desk.ksr.logged)


@pytest.mark.parametrize("end", ["-1", str(1 << 64), "soon"])
def test_a_token_ends_at_a_time(desk, end):
    key, row = a_binding()
    desk.reports.open = True
    desk.stand((key, row.replace("|1700003600|shop|", f"|{end}|shop|")), a_binding(2))

    ((_, report),) = desk.told()
    assert report.stands.connection == "2"


def test_what_waits_for_a_stream_is_bounded(desk):
    """The oldest go first; the roll of the next stream makes good for them."""
    for number in range(AT_ONCE * KEPT_AT_MOST + 1):
        desk.queue("declined", f"403|d{number}")
    assert desk.told() == []
    desk.reports.open = True

    told = desk.told()
    assert told[0][1].declined.decision_id == f"d{AT_ONCE}"
    assert told[-1][1].declined.decision_id == f"d{AT_ONCE * KEPT_AT_MOST}"


def test_a_row_that_cannot_be_read_spoils_only_itself(desk):
    desk.reports.open = True
    desk.stand(("1|x", "1|F|too|short"), a_binding(2))

    assert [kind for kind, _ in desk.told()] == ["stands"]
    assert any("registration.malformed" in line for line in desk.ksr.logged)


def test_records_that_are_no_reports_are_heard_by_others(desk):
    heard = []
    desk.reports.others["answered"] = heard.append
    desk.queue("answered", "o1")
    desk.queue("nonsense", "x")

    assert desk.told() == []
    assert heard == ["o1"]
    assert any("report.malformed" in line for line in desk.ksr.logged)
