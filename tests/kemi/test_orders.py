"""Orders of the sidecar: whom they hit, what is done, and how far it has come."""

from __future__ import annotations

import pytest

from authorizer import drain as drain_module
from authorizer import orders as orders_module
from authorizer import progress as progress_module
from authorizer.clerk import Clerk
from authorizer.cuts import FIELDS
from authorizer.orders import SLICE, Orders
from authorizer.progress import ANSWERS_WITHIN, NEWS_EVERY
from authorizer.rows import UnsafeVerdictError, coded
from authorizer.view import View
from epcscf.control.v1 import registrations_pb2 as pb
from tests.kemi.builders import a_binding, a_forward, a_policy, a_question, a_record


HIT = {
    "wwsf": "shop",
    "scope": "shop/waf",
    "impi": "alice@ims.example",
    "impu": "sip:alice@ims.example",
    "subject": "ab12",
    "token_id": "t1",
}


class Node:
    """An edge under orders."""

    def __init__(self, ksr, kamailio, time):
        self.ksr = ksr
        self._time = time
        self.said, self.asked = [], []
        view = View(kamailio)
        view.replace(a_policy())
        self.clerk = Clerk(kamailio, view, self.asked.extend)
        self.orders = Orders(kamailio, self.clerk, self.said.append)
        ksr.answers["EPCSCF_END_REGISTRATION"] = self._end
        ksr.answers["EPCSCF_SEND_ON_ERRAND"] = lambda _: {"ep_asked_core": 1}

    def _end(self, variables):
        key = variables["ep_id"]
        self.ksr.htable.sht_rm("ep_binding", key)
        self.ksr.htable.sht_rm("ep_flow", key.partition("|")[0])
        return {"ep_asked_core": 1}

    def stand(self, number, *, flow=True, **facts):
        key, row = a_binding(number, token_id="t1", **facts)
        self.ksr.htable.sht_setxs("ep_binding", key, row, 600)
        self.ksr.htable.sht_sets("ep_door", str(number), f"{facts.get('wwsf', 'shop')}|browser|-")
        if flow:
            self.ksr.htable.sht_sets("ep_flow", str(number), "x")
        return key

    def order(self, id_="o1", **what):
        self.orders.hear([pb.Order(id=id_, **what)])

    def work(self):
        """Do what can be done now; return the last word."""
        while self.orders.work():
            pass
        self._time.pass_by(NEWS_EVERY)
        self.orders.work()
        return self.said[-1].progress if self.said else None

    def ran(self, route, *names):
        return [
            tuple(variables[name] for name in names)
            for ran, variables in self.ksr.ran
            if ran == route
        ]


@pytest.fixture
def node(ksr, kamailio, monkeypatch, time):
    for module in (drain_module, orders_module, progress_module):
        monkeypatch.setattr(module, "time", time)
    return Node(ksr, kamailio, time)


@pytest.mark.parametrize("kind", HIT)
def test_a_cut_ends_what_it_names_and_nothing_else(node, kind):
    other = {
        "impu": "sip:bob@ims.example",
        "impi": "bob@ims.example",
        "subject": "cd34",
        "scope": "other/waf",
        "wwsf": "other",
    }
    key = node.stand(1)
    key_of_other = node.stand(2, **other)
    row = str(node.ksr.htable.sht_get("ep_binding", key_of_other)).replace("|t1|", "|t2|")
    node.ksr.htable.sht_setxs("ep_binding", key_of_other, row, 600)
    node.order(cut=pb.Cut(close_code=4002, **{kind: HIT[kind]}))
    last = node.work()

    assert node.ran("EPCSCF_END_REGISTRATION", "ep_id", "ep_cause", "ep_order") == [
        (key, "ordered", "o1")
    ]
    assert node.ran("EPCSCF_CLOSE", "ep_closing", "ep_code") == [(1, 4002)]
    assert (last.registrations, last.connections, last.outstanding) == (1, 1, 1)
    assert last.cut
    assert not last.finished


def test_one_registration_can_be_cut(node):
    key, _ = node.stand(1), node.stand(2)
    node.order(cut=pb.Cut(registration=key))
    node.work()

    assert node.ran("EPCSCF_END_REGISTRATION", "ep_id") == [(key,)]


def test_a_connection_on_which_something_stands_is_not_closed(node):
    node.stand(1)
    node.ksr.answers["EPCSCF_END_REGISTRATION"] = lambda _: {"ep_asked_core": 1}
    node.order(cut=pb.Cut(impu=HIT["impu"]))

    assert node.work().connections == 0
    assert node.ran("EPCSCF_CLOSE", "ep_closing") == []


@pytest.mark.req("SX-9")
def test_a_wwsf_loses_all_connections_also_those_without_a_registration(node):
    node.ksr.htable.sht_sets("ep_door", "8", "shop|browser|-")
    node.ksr.htable.sht_sets("ep_door", "9", "other|browser|-")
    node.order(cut=pb.Cut(wwsf="shop"))

    assert node.work().connections == 1
    assert node.ran("EPCSCF_CLOSE", "ep_closing") == [(8,)]


def test_the_routes_find_the_cut_before_anything_is_ended(node):
    node.order(cut=pb.Cut(scope="shop/waf"))
    assert node.ksr.htable.content("ep_cut") == {"scope/shop/waf": 1}
    assert node.ksr.htable.content("ep_state")["cuts"] == 1
    node.order("o2", cut=pb.Cut(subject="ab12"))

    assert node.ksr.htable.content("ep_cut")["subject/ab12"] == 2
    assert node.ksr.htable.content("ep_state")["cuts"] == 2
    assert node.ran("EPCSCF_END_REGISTRATION", "ep_id") == []


def test_verdicts_are_dead_when_a_cut_has_been_heard(node):
    node.ksr.suspend("1:0", a_record())
    node.clerk.take_in("1:0", a_record())
    node.clerk.settle([a_forward(1)])
    assert node.ksr.htable.content("ep_verdict") != {}
    node.order(cut=pb.Cut(impi=HIT["impi"]))

    assert node.ksr.htable.content("ep_verdict") == {}


@pytest.mark.req("SX-9")
def test_a_verdict_that_was_on_its_way_is_asked_for_again(node):
    for transaction in ("1:0", "2:0"):
        node.ksr.suspend(transaction, a_record())
        node.clerk.take_in(transaction, a_record())
    node.order(cut=pb.Cut(impi=HIT["impi"]))
    node.clerk.settle([a_forward(1)])
    assert node.ksr.resumed == []
    assert node.ksr.htable.content("ep_verdict") == {}
    (asked,) = node.asked
    assert asked.id > 1

    node.clerk.settle([a_forward(asked.id)])
    assert {each.transaction for each in node.ksr.resumed} == {"1:0", "2:0"}
    assert a_question().key in node.ksr.htable.content("ep_verdict")


def test_a_verdict_of_somebody_else_is_not_asked_for_again(node):
    node.ksr.suspend("1:0", a_record())
    node.clerk.take_in("1:0", a_record())
    node.order(cut=pb.Cut(impi="bob@ims.example"))
    node.clerk.settle([a_forward(1)])

    assert node.asked == []
    assert len(node.ksr.resumed) == 1


def test_an_order_is_finished_when_the_core_has_answered(node):
    for number in range(3):
        node.stand(number)
    node.order(cut=pb.Cut(wwsf="shop"))
    node.work()
    for name in ("answered", "refused", "answered"):
        node.orders.outcomes[name]("o1")
    last = node.work()

    assert (last.outstanding, last.failed, last.cut, last.finished) == (0, 1, True, True)
    assert any("order.finished order=o1" in line for line in node.ksr.logged)
    said = len(node.said)
    assert node.work() == last
    assert len(node.said) == said


def test_answers_that_never_come_do_not_hold_an_order_for_ever(node, time):
    node.stand(1)
    node.order(cut=pb.Cut(wwsf="shop"))
    assert not node.work().finished
    time.pass_by(ANSWERS_WITHIN + 1)
    node.work()
    last = node.work()

    assert (last.finished, last.failed) == (True, 1)


def test_an_order_that_comes_twice_is_carried_out_once_at_a_time(node):
    node.stand(1)
    node.order(cut=pb.Cut(wwsf="shop"))
    node.order(cut=pb.Cut(wwsf="shop"))
    node.work()

    assert node.ksr.htable.content("ep_state")["cuts"] == 1


def test_a_large_cut_is_done_in_slices(node):
    for number in range(2 * SLICE):
        node.stand(number)
    node.order(cut=pb.Cut(wwsf="shop"))
    assert node.orders.work()

    assert len(node.ran("EPCSCF_END_REGISTRATION", "ep_id")) == SLICE


@pytest.mark.parametrize("what", [{}, {"cut": pb.Cut()}, {"cut": pb.Cut(impi="")}])
def test_an_order_that_names_nobody_is_not_carried_out(node, what):
    node.stand(1)
    node.order(**what)

    assert node.work() is None
    assert any("order.not_understood" in line for line in node.ksr.logged)


def a_deregistration(**deviations):
    facts = {
        "impu": "sip:bob@ims.example",
        "request_uri": "sip:ims.example",
        "authorization": 'Digest username="bob@ims.example"',
        "visited_network_id": '"ims.example"',
        "charging_parameters": "orig-ioi=ims.example",
        "next_hop_set": 3,
        "contact": "sip:b@y.invalid",
    }
    return pb.Deregister(**{**facts, **deviations})


def test_what_an_earlier_boot_left_is_taken_out_of_the_core(node):
    node.order(deregister=a_deregistration())
    last = node.work()

    ((errand,),) = node.ran("EPCSCF_SEND_ON_ERRAND", "ep_errand")
    assert errand.split("|")[0] == "3"
    assert (last.outstanding, last.cut) == (1, True)


def test_what_somebody_holds_again_is_not_taken_out(node):
    order = a_deregistration()
    key = f"c|{coded(order.impu)}|{coded(order.contact)}"
    node.ksr.htable.sht_sets("ep_device", key, "5")
    node.order(deregister=order)

    assert node.work().finished
    assert node.ran("EPCSCF_SEND_ON_ERRAND", "ep_errand") == []


def test_a_deregistration_that_could_break_a_header_is_refused(node):
    with pytest.raises(UnsafeVerdictError):
        list(node.orders._begin(pb.Order(deregister=a_deregistration(authorization="a\r\nb"))))


@pytest.mark.req("SX-28")
def test_a_drain_closes_all_connections_over_its_time(node, time):
    for number in range(10):
        node.ksr.htable.sht_sets("ep_door", str(number), "shop|browser|-")
    node.order(drain=pb.Drain(seconds=10))
    assert node.work().connections == 1
    assert node.ksr.htable.content("ep_state")["drain"] == "1"
    time.pass_by(5)
    assert node.work().connections == 6
    time.pass_by(6)
    last = node.work()

    assert (last.connections, last.finished) == (10, True)
    assert {code for _, code in node.ran("EPCSCF_CLOSE", "ep_closing", "ep_code")} == {1012}


@pytest.mark.req("SX-28")
def test_a_drain_that_is_undone_closes_no_more(node, time):
    for number in range(10):
        node.ksr.htable.sht_sets("ep_door", str(number), "shop|browser|-")
    node.ksr.definitions["EPCSCF_GRACE"] = "30"
    node.ksr.htable.sht_sets("ep_lost", "77", "x")
    node.order(drain=pb.Drain(seconds=10))
    node.work()
    node.order("o2", drain=pb.Drain(seconds=0))
    time.pass_by(20)
    node.work()

    assert len(node.ran("EPCSCF_CLOSE", "ep_closing")) == 1
    assert "drain" not in node.ksr.htable.content("ep_state")
    # who was kept waiting for the end of the drain gets the time that all get
    assert node.ksr.htable.content("ep_lost") == {"77": "x"}
    time.pass_by(31)
    assert node.ksr.htable.content("ep_lost") == {}


def test_every_way_to_name_somebody_is_known():
    ways = {field.name for field in pb.Cut.DESCRIPTOR.oneofs_by_name["whom"].fields}

    assert ways == {*FIELDS, "wwsf", "registration"}
