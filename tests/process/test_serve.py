"""The real process: how it starts, what it survives, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import urllib.request

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from epcscfd.telemetry import events
from lab.ports import free_port
from lab.sidecar import Sidecar
from lab.waiting import wait_until


if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAM = str(Path(sys.executable).parent / "epcscfd")
SLOW = {"store": {"follow_seconds": 60}}
"Settings by which nothing is noticed that nobody said."


@pytest.fixture
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture
def sidecar(run_dir: Path) -> Iterator[Sidecar]:
    sidecar = Sidecar(run_dir)
    with sidecar:
        yield sidecar


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *words], capture_output=True, text=True, check=False, timeout=30
    )


def wait_for(sidecar: Sidecar, event: str, count: int = 1) -> None:
    wait_until(lambda: len(sidecar.events(event)) >= count, seconds=10, what=event)


def domains(sidecar: Sidecar) -> list[str]:
    return [domain["name"] for domain in sidecar.ctl_json("home-domain", "list")]


def test_a_restart_keeps_the_policy(sidecar: Sidecar) -> None:
    sidecar.ctl("home-domain", "create", "home1.net")
    before = sidecar.ctl_json("status")

    assert sidecar.stop()
    sidecar.start()

    assert sidecar.ctl_json("status") == before
    assert domains(sidecar) == ["homeDomains/home1.net"]


def test_what_was_confirmed_survives_kill_9(sidecar: Sidecar) -> None:
    sidecar.ctl("home-domain", "create", "home1.net")
    sidecar.ctl("home-domain", "create", "home2.net")
    sidecar.kill()
    sidecar.start()

    assert domains(sidecar) == ["homeDomains/home1.net", "homeDomains/home2.net"]


def test_sigterm_ends_it_in_good_order(sidecar: Sidecar) -> None:
    assert sidecar.stop()

    assert len(sidecar.events(events.SIDECAR_DRAINING)) == 1
    assert len(sidecar.events(events.SIDECAR_STOPPED)) == 1
    assert not sidecar.control_socket.exists()


def edit_by_hand(run_dir: Path) -> None:
    """Change the policy as another sidecar on the same database would."""
    database = sqlite3.connect(run_dir / "policy.db")
    with database:
        database.execute("UPDATE policy_revision SET revision = revision + 1")
    database.close()


def test_sighup_reads_the_policy_again(run_dir: Path) -> None:
    sidecar = Sidecar(run_dir, SLOW)
    with sidecar:
        edit_by_hand(run_dir)
        os.kill(sidecar.pid, signal.SIGHUP)

        wait_for(sidecar, events.POLICY_PUBLISHED, count=2)


def test_what_another_has_changed_is_followed(run_dir: Path) -> None:
    sidecar = Sidecar(run_dir, {"store": {"follow_seconds": 1}})
    with sidecar:
        edit_by_hand(run_dir)

        wait_for(sidecar, events.POLICY_PUBLISHED, count=2)


@pytest.mark.postgresql
def test_what_another_on_the_same_postgresql_has_changed_is_heard_at_once(
    run_dir: Path, databases: Callable[[], str]
) -> None:
    settings = {"store": {"url": databases(), "follow_seconds": 60}}
    one, other = (Sidecar(run_dir / name, settings) for name in ("one", "other"))
    with one, other:
        one.ctl("home-domain", "create", "home1.net")
        wait_for(other, events.POLICY_PUBLISHED, count=2)

        assert domains(other) == domains(one) != []


def test_a_second_one_on_the_same_sockets_does_not_start(sidecar: Sidecar) -> None:
    second = run("serve", "--config", str(sidecar.run_dir / "epcscfd.toml"))

    assert second.returncode == 78
    assert "is served by another process" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert sidecar.ctl_json("status")["health"] == "SERVING"


def test_settings_that_are_wrong_end_the_start_in_one_line(run_dir: Path) -> None:
    config = run_dir / "epcscfd.toml"
    config.write_text('[judge]\naudience = "a"\nskw = 1\n')

    for words in (("serve", "--config", str(config)), ("check-config", str(config))):
        failed = run(*words)

        assert failed.returncode == 78
        assert failed.stderr == f"epcscfd: {config}: judge.skw: no such setting\n"


def test_a_store_that_is_none_ends_the_start_in_one_line(run_dir: Path) -> None:
    sidecar = Sidecar(run_dir)
    (run_dir / "policy.db").write_text("no database" * 1000)

    failed = run("serve", "--config", str(sidecar.run_dir / "epcscfd.toml"))

    assert failed.returncode == 1
    assert failed.stderr.startswith("epcscfd: not available: store")
    assert len(failed.stderr.splitlines()) == 1


def test_good_settings_are_called_so(run_dir: Path) -> None:
    config = run_dir / "epcscfd.toml"
    config.write_text('[judge]\naudience = "a"\n')

    assert run("check-config", str(config)).stdout == f"{config}: good\n"


def test_tables_can_be_made_beforehand(run_dir: Path) -> None:
    Sidecar(run_dir)
    words = ("migrate", "--config", str(run_dir / "epcscfd.toml"))

    assert run(*words).stdout == "migrated\n"
    assert run(*words).stdout == "up to date\n"


def test_the_service_manager_hears_when_it_is_ready(run_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(run_dir / "notify"))
        manager.settimeout(10)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NOTIFY_SOCKET", str(run_dir / "notify"))
            sidecar = Sidecar(run_dir)
            sidecar.start()
        assert manager.recv(100) == b"READY=1"
        sidecar.stop()
        assert manager.recv(100) == b"STOPPING=1"


def test_the_database_is_nobody_elses_business(sidecar: Sidecar) -> None:
    mode = (sidecar.run_dir / "policy.db").stat().st_mode

    assert stat.S_IMODE(mode) & stat.S_IRWXO == 0


def test_metrics_are_served_where_the_settings_say(run_dir: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    with Sidecar(run_dir, {"metrics": {"listen": listen}}) as sidecar:
        wait_for(sidecar, events.SIDECAR_STARTED)
        text = urllib.request.urlopen(f"http://{listen}/metrics", timeout=10).read().decode()

    assert "epcscf_policy_revision 1.0" in text
    assert "epcscf_policy_age_seconds" in text


def test_a_metrics_port_that_is_taken_ends_the_start(run_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        Sidecar(run_dir, {"metrics": {"listen": f"127.0.0.1:{taken.getsockname()[1]}"}})

        failed = run("serve", "--config", str(run_dir / "epcscfd.toml"))

    assert failed.returncode == 78
    assert "metrics.listen" in failed.stderr
