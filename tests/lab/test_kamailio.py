"""Kamailio as a child: ready when it says so, gone when told to, loud when it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

from pathlib import Path

import pytest

from lab.child import group_lives
from lab.kamailio import Kamailio, Launch
from lab.ports import free_port
from lab.rpc import RpcClient, RpcError
from lab.waiting import wait_until


pytestmark = pytest.mark.kamailio

CFG = Path(__file__).with_name("options.cfg")
PARENT = """
import sys
from pathlib import Path
from lab.kamailio import Kamailio, Launch

cfg, run_dir, listener = sys.argv[1:]
defines = {"STATUS": "200", "PHRASE": "OK"}
launch = Launch("options", Path(cfg), Path(run_dir), (listener,), defines, shm_mb=16)
print(Kamailio(launch, Kamailio.answers_rpc).start().pid, flush=True)
sys.stdin.read()
"""
DEFINES = {"STATUS": "200", "PHRASE": "OK", "GREETING": True, "NOT_THIS": False}


def launch(run_dir, **deviations):
    parts = {
        "name": "options",
        "cfg": CFG,
        "run_dir": run_dir,
        "listen": (f"udp:127.0.0.1:{free_port()}",),
        "defines": DEFINES,
        "shm_mb": 16,
        **deviations,
    }
    return Launch(**parts)


@pytest.fixture
def kamailio(tmp_path):
    with Kamailio(launch(tmp_path), Kamailio.answers_rpc) as running:
        yield running


def test_it_starts_answers_stops_and_starts_again(kamailio):
    mark = kamailio.log.mark()
    first = kamailio.pid

    assert kamailio.rpc("core.version").startswith("kamailio ")
    assert kamailio.stop()
    assert not group_lives(first)
    assert kamailio.log.mark() >= mark

    kamailio.start()
    assert kamailio.pid != first


def test_rpc_error_carries_code_and_command(kamailio):
    with pytest.raises(RpcError, match=r"no\.such: .*Method Not Found") as caught:
        kamailio.rpc("no.such")

    assert caught.value.code == 500  # its own number, not JSON-RPC's -32601


def test_frozen_it_is_silent_and_thawed_it_answers(kamailio):
    impatient = RpcClient(kamailio.launch.rpc_socket, seconds=0.1)

    kamailio.freeze()
    with pytest.raises(TimeoutError):
        impatient.call("core.version")
    kamailio.thaw()

    assert kamailio.answers_rpc()


def test_frozen_it_can_still_be_stopped(kamailio):
    pid = kamailio.pid

    kamailio.freeze()
    assert kamailio.stop()

    assert not group_lives(pid)


def test_death_is_told_with_the_end_of_the_log_and_leaves_nobody(kamailio):
    pid = kamailio.pid
    os.kill(pid, signal.SIGKILL)  # the main process only: its workers live on

    with pytest.raises(RuntimeError, match=r"ended with status -9\nListening on"):
        kamailio.wait_until(lambda: False, seconds=5, what="anything")
    with pytest.raises(RuntimeError, match="ended with status -9"):
        kamailio.stop()

    assert not group_lives(pid)


def test_configuration_error_is_told_at_start(tmp_path):
    broken = Kamailio(launch(tmp_path, defines={"STATUS": 200}), Kamailio.answers_rpc)

    with pytest.raises(RuntimeError, match=r"options\.cfg"):
        broken.start()


def test_unreadiness_ends_it(tmp_path):
    kamailio = Kamailio(launch(tmp_path), lambda _: False)

    with pytest.raises(TimeoutError, match=r"no readiness within 0\.3 s"):
        kamailio.start(seconds=0.3)
    with pytest.raises(RuntimeError, match="not started"):
        kamailio.check_alive()


def test_started_from_another_thread_is_refused(tmp_path):
    told = []

    def start():
        try:
            Kamailio(launch(tmp_path), Kamailio.answers_rpc).start()
        except RuntimeError as error:
            told.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert told == ["options: start it from the main thread"]


def test_it_does_not_outlive_a_killed_parent(tmp_path):
    """The parent is killed the hard way, with no chance to clean up."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            PARENT,
            str(CFG),
            str(tmp_path),
            f"udp:127.0.0.1:{free_port()}",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    with contextlib.closing(parent.stdin), contextlib.closing(parent.stdout):
        pid = int(parent.stdout.readline())
        assert group_lives(pid)
        parent.kill()
        parent.wait()

    wait_until(lambda: not group_lives(pid), seconds=5, what="end of Kamailio")


def test_definition_cannot_end_its_own_quotes(tmp_path):
    with pytest.raises(ValueError, match="double quote"):
        launch(tmp_path, defines={"PHRASE": 'OK"'}).command()


def test_the_allocator_is_kamailios_own_choice_unless_one_is_named(tmp_path):
    named = launch(tmp_path, allocator="tlsf")

    assert "-x" not in launch(tmp_path).command()
    with Kamailio(named, Kamailio.answers_rpc) as running:
        arguments = running.rpc("core.arg")
        assert arguments[arguments.index("-x") + 1] == "tlsf"


def test_too_long_a_socket_path_is_refused_before_kamailio_does(tmp_path):
    with pytest.raises(ValueError, match="longer than 107"):
        Kamailio(launch(tmp_path / ("x" * 108)), Kamailio.answers_rpc)


def test_log_is_read_from_a_mark_in_whole_lines(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"old\nfirst\nhal")
    kamailio = Kamailio(launch(tmp_path), Kamailio.answers_rpc)

    assert kamailio.log.lines(4) == ["first"]
    assert kamailio.log.mark() == 10
