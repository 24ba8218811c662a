"""Cores come up side by side, lose and regain their parts, and leave nobody behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

from pathlib import Path

import pytest

from lab.core import ImsCore, Plan
from lab.cscf import answers_options
from lab.ports import free_ports
from lab.subscribers import Subscription
from lab.udp import UdpAgent, User


pytestmark = pytest.mark.kamailio

ALICE = User("alice@ims.example", "sip:alice@ims.example")
SUBSCRIPTIONS = [Subscription(impi=ALICE.impi, impus=(ALICE.impu,))]
PROJECT = Path(__file__).parents[2]


def register(core, host="127.0.0.1"):
    with UdpAgent(host) as edge:
        request = edge.register(ALICE, [("Authorization", ALICE.tna_credentials())])
        return edge.exchange(request, core.icscf_addresses[0])


@pytest.fixture(scope="module")
def other_core(tmp_path_factory):
    plan = Plan(host="::1", edges=("::1",), icscfs=1)
    with ImsCore(tmp_path_factory.mktemp("other"), SUBSCRIPTIONS, plan) as running:
        yield running


def test_core_lives_on_ipv6_too(other_core):
    assert other_core.scscf.uri.startswith("sip:[::1]:")
    assert register(other_core, host="::1").status == 200


def test_two_cores_do_not_know_each_other(core, other_core):
    assert register(core).status == 403
    assert ALICE.impi not in core.hss.registrations()


def test_one_icscf_may_die_and_come_back(core, subscribe, register):
    icscf = core.icscfs[1]
    pid = icscf.pid

    assert icscf.stop()
    assert not answers_options(core.icscf_addresses[1])
    assert register(subscribe(), to=core.icscf_addresses[0]).status == 200
    icscf.start()

    assert icscf.pid != pid
    assert register(subscribe(), to=core.icscf_addresses[1]).status == 200


def test_frozen_icscf_is_silent_until_thawed(core):
    icscf = core.icscfs[1]

    icscf.freeze()
    assert not answers_options(core.icscf_addresses[1])
    icscf.thaw()

    assert answers_options(core.icscf_addresses[1], seconds=5)


def test_hss_may_be_away_for_a_while(core, subscribe, register):
    user = subscribe()

    core.hss.stop()
    try:
        for cscf in core.cscfs:
            # cdp may miss the end of the connection: then two of its watchdogs tell
            cscf.wait_until(lambda cscf=cscf: "I_Open" not in peers(cscf), seconds=20, what="loss")
        assert register(user).status == 504
    finally:
        core.hss.start()
    for cscf in core.cscfs:
        cscf.wait_until(lambda cscf=cscf: "I_Open" in peers(cscf), seconds=20, what="return")

    assert register(user).status == 200


def peers(cscf):
    return str(cscf.rpc("cdp.list_peers"))


def test_part_that_cannot_start_takes_the_others_with_it(tmp_path):
    hss_port, scscf_port, icscf_port = ports = free_ports(3)
    with UdpAgent(port=icscf_port):
        core = ImsCore(tmp_path, plan=Plan(icscfs=1, ports=ports))
        with pytest.raises(RuntimeError, match="icscf1: ended with status"):
            core.start()

    with pytest.raises(RuntimeError, match="scscf: not started"):
        core.check_alive()
    with socket.create_server(("127.0.0.1", hss_port)), UdpAgent(port=scscf_port):
        pass  # both ports are free again


def test_core_whose_hss_cannot_listen_does_not_start(tmp_path):
    hss_port, *_ = ports = free_ports(4)
    with socket.create_server(("127.0.0.1", hss_port)):
        core = ImsCore(tmp_path, plan=Plan(ports=ports))
        with pytest.raises(OSError, match="in use"):
            core.start()

    with pytest.raises(RuntimeError, match="scscf: not started"):
        core.check_alive()


def test_it_is_run_as_a_program(tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-m", "lab", "--run-dir", str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        text=True,
    )
    with program.stdout:
        greeting = [program.stdout.readline().split() for _ in range(5)]
        port = int(greeting[0][1].rpartition(":")[2])
        with UdpAgent() as edge:
            request = edge.register(ALICE, [("Authorization", ALICE.tna_credentials())])
            assert edge.exchange(request, ("127.0.0.1", port)).status == 200
        followed = program.stdout.readline()
        program.send_signal(signal.SIGTERM)
        program.wait(10)

    assert [line[0] for line in greeting] == ["I-CSCF", "I-CSCF", "S-CSCF", "HSS", "logs"]
    assert followed == (
        "icscf1.ims.example: USER_AUTHORIZATION alice@ims.example sip:alice@ims.example: 2001\n"
    )
    assert program.returncode == 0
    assert not any(tmp_path.glob("*/pid"))
