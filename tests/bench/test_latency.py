"""Probes are timed until their own answer comes."""

from __future__ import annotations

import contextlib
import itertools
import math
import socket
import threading

import pytest

from bench import latency
from bench.latency import Probe, Prober, percentile
from lab.sip import SipMessage


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1), (0.0, 1)]
)
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(share, value):
    assert percentile(list(range(100, 0, -1)), share) == value


def test_nothing_has_no_percentile():
    assert math.isnan(percentile([], 0.5))


@contextlib.contextmanager
def peer(*replies):
    """Answer each request with all of *replies*: status, and what to add to CSeq."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        heard = []

        def answer():
            while True:
                raw, sender = bound.recvfrom(65535)
                if not raw:
                    return
                request = SipMessage.parse(raw)
                heard.append(request)
                number, method = request.all("CSeq")[0].split()
                for status, ahead in replies:
                    cseq = f"{int(number) + ahead} {method}"
                    reply = f"SIP/2.0 {status} Whatever\r\nCSeq: {cseq}\r\n\r\n"
                    bound.sendto(reply.encode(), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield bound.getsockname(), heard
        finally:
            bound.sendto(b"", bound.getsockname())
            thread.join()


@pytest.fixture
def prober():
    with contextlib.closing(Prober()) as made:
        yield made


def test_every_answer_is_timed(prober):
    with peer((100, 0), (200, 0)) as (address, heard):
        times = prober.ask([Probe("options", address, prober.options())], 5, 1000)["options"]

    assert len(times.taken) == len(heard) == 5
    assert times.lost == 0
    assert all(0 < taken < latency.ANSWER_WITHIN for taken in times.taken)


def test_another_answer_than_200_is_a_loss(prober):
    with peer((503, 0)) as (address, _):
        times = prober.ask([Probe("options", address, prober.options())], 2, 1000)["options"]

    assert (times.taken, times.lost) == ([], 2)


def test_the_answer_to_another_request_does_not_count(prober, monkeypatch):
    monkeypatch.setattr(latency, "ANSWER_WITHIN", 0.02)
    with peer((200, 7)) as (address, _):
        times = prober.ask([Probe("options", address, prober.options())], 1, 1000)["options"]

    assert (times.taken, times.lost) == ([], 1)


def test_probes_take_turns(prober):
    users = (("alice", "Bearer a"), ("bob", "Bearer b"))
    with peer((200, 0)) as (address, heard):
        probes = [
            Probe("register", address, prober.registers(itertools.cycle(users))),
            Probe("options", address, prober.options()),
        ]
        times = prober.ask(probes, 2, 1000)

    assert [request.start_line.split()[0] for request in heard] == ["REGISTER", "OPTIONS"] * 2
    assert [request.all("Authorization") for request in heard[::2]] == [
        ("Bearer a",),
        ("Bearer b",),
    ]
    assert heard[0].all("To") == ("<sip:alice@ims.example>",)
    assert {name: len(each.taken) for name, each in times.items()} == {"register": 2, "options": 2}
