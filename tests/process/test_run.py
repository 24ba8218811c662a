"""`make run`, as whoever has just fetched the project: started, used, ended by Ctrl-C."""

from __future__ import annotations

import asyncio
import html
import os
import re
import shlex
import signal
import ssl
import subprocess

from pathlib import Path

import pytest

from lab.edge import ROOT
from lab.logfile import LogFile
from lab.ports import free_row
from lab.waiting import wait_until
from lab.web import PLANS
from lab.wic import Wic
from tests.web.visitor import Visitor


pytestmark = pytest.mark.kamailio

PORTS = 2 + len(PLANS)
"The door, the WAF, and the sites."

HINTS = "Call from your browser"
UP = "Ctrl-C ends everything."
ADDRESS = re.compile(r"https?://\S+")
SLOWEST = 80
"Seconds; a quiet machine takes eight, one that runs two labs besides five times as long."


PDEATH = ("setpriv", "--pdeathsig", "TERM")


class Run:
    """`make run`, what it has printed, and the processes that came of it."""

    def __init__(self, run_dir: Path) -> None:
        self.log = LogFile(run_dir / "printed")
        # without `setup`: that installs, and whoever runs tests has done it
        command = ("make", "-o", "setup", "run", f"RUN={run_dir / 'run'}")
        port = f"PORT={free_row(PORTS)}"
        mine = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        with self.log.path.open("wb") as printed:
            # a session of its own, as a terminal has one: nobody leaves it without wanting to
            self._make = subprocess.Popen(
                # whoever runs tests in the background has Ctrl-C ignored
                ("env", "--default-signal=INT", *PDEATH, *command, port),
                cwd=ROOT,
                env=mine,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_up(self) -> list[str]:
        """Return how to use it, as it has printed it. Raise RuntimeError if it ends instead."""

        def is_up() -> bool:
            if self._make.poll() is not None:
                raise RuntimeError(f"ended with {self._make.returncode}\n{self.log.tail()}")
            return any(UP in line for line in self.log.lines())

        wait_until(is_up, seconds=SLOWEST, what=f"`{UP}`")
        lines = self.log.lines()
        begin = next(number for number, line in enumerate(lines) if HINTS in line)
        return [line for line in lines[begin:] if line]

    def interrupt(self) -> int:
        """Press Ctrl-C, which a terminal tells everybody in the foreground; return the status."""
        os.killpg(self._make.pid, signal.SIGINT)
        return self._make.wait(20)

    def processes(self) -> list[str]:
        """Names of all that live in the session of this run."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                name, _, rest = stat.read_text().partition("(")[2].rpartition(") ")
            except OSError:  # it ended while we looked
                continue
            state, _, _, session = rest.split()[:4]
            if int(session) == self._make.pid and state != "Z":
                found.append(name)
        return found

    def kill(self) -> None:
        """Leave nothing behind, whatever has happened: the parts die with who started them."""
        if self._make.poll() is None:
            os.killpg(self._make.pid, signal.SIGKILL)
            self._make.wait()
        wait_until(lambda: not self.processes(), seconds=20, what="end of all parts")


@pytest.fixture
def run(tmp_path_factory):
    """One that has been started."""
    started = Run(tmp_path_factory.mktemp("run"))
    yield started
    started.kill()


@pytest.mark.timeout(150)
async def test_make_run_serves_what_it_prints_and_ends_without_a_trace(run):
    hints = await asyncio.to_thread(run.wait_until_up)
    trust = ssl.create_default_context(cafile=beside("certificates", hints).split()[1].rstrip(","))

    sites = await titles(hints, trust)
    impu, reply = await register_a_guest(sites[PLANS["party"].title], trust)

    assert sites.keys() == {plan.title for plan in PLANS.values()}
    assert reply.status == 200
    who_is_there = f"{beside('who is there', hints)} --ended"
    await asyncio.to_thread(
        wait_until, lambda: impu in said_by(who_is_there), seconds=10, what="its registration"
    )
    assert {"make", "kamailio", "rtpengine", "epcscfd"} <= set(run.processes())

    status = await asyncio.to_thread(run.interrupt)

    # make ends by the signal that it got, once its program has ended well
    assert status == -signal.SIGINT
    assert run.processes() == []
    printed = run.log.lines()
    after = printed[printed.index("all down") + 1 :]
    assert not [line for line in after if not line.startswith("make: ***") or "Error" in line]


async def titles(hints, trust):
    """Open every address that is printed; give what is there."""
    found = {}
    for address in (each for line in hints for each in ADDRESS.findall(line)):
        async with Visitor(address.rstrip("/"), trust) as visitor:
            assert visitor.page.status_code == 200
            title = visitor.page.text.partition("<title>")[2].partition("</title>")[0]
            found[html.unescape(title)] = visitor.origin
    return found


async def register_a_guest(site, trust):
    async with Visitor(site, trust) as guest:
        await guest.post("/guest")
        session = await guest.session()
        async with await Wic.connect(session["epcscf_uri"], origin=site, ssl=trust) as wic:
            reply = await wic.register(session["impu"], f"Bearer {session['token']}")
    return session["impu"], reply


def beside(word, hints):
    """What is printed beside a word."""
    return next(line for line in hints if line.startswith(word)).removeprefix(word).strip()


def said_by(command):
    """What a printed command says."""
    return subprocess.check_output(shlex.split(command), cwd=ROOT, text=True, timeout=20)
