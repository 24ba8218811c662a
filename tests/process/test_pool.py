"""A pool whose processes are killed in the middle of lending, on every database it may be in."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest

from demo.wwsf.pool.lease import Pair
from demo.wwsf.pool.shelf import Shelf
from epcscfd.store.engine import make_engine
from tests.process.borrower import TERMS


ROOT = Path(__file__).parents[2]
PAIRS = [Pair(f"u{n}@pool.example", (f"sip:u{n}@pool.example",)) for n in range(3)]
AT_ONCE = 4
LIVES = 16


def live_and_die(url: str, ledger: Path, seed: int) -> subprocess.Popen[bytes]:
    """Start a process that lends until it kills itself, at whatever it does then."""
    words = [sys.executable, "-m", "tests.process.borrower", url, str(ledger), str(seed)]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'sidecar'}", "PATH": "/usr/bin:/bin"}
    return subprocess.Popen(words, cwd=ROOT, env=path, stderr=subprocess.PIPE)


def loans(ledger: Path) -> dict[str, list[tuple[float, float, str]]]:
    """Tell for each pair from when until when somebody could register with it."""
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    revoked = {line["revoked"]: line["at"] for line in lines if "revoked" in line}
    found = defaultdict(list)
    for line in lines:
        if "token" in line:
            until = min(line["until"], revoked.get(line["token"], line["until"]))
            found[line["impi"]].append((line["at"], until, line["holder"]))
    return {impi: sorted(each) for impi, each in found.items()}


@pytest.mark.req("S003-2", "S001-26")
@pytest.mark.timeout(180)
async def test_processes_that_die_while_they_lend_never_lend_one_pair_to_two(
    pool_url: str, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    engine = make_engine(pool_url)
    shelf = Shelf(engine, TERMS)
    await shelf.open()
    await shelf.stock(PAIRS, datetime.now(UTC))

    ends = []
    for first in range(0, LIVES, AT_ONCE):
        at_once = [live_and_die(pool_url, ledger, first + n) for n in range(AT_ONCE)]
        for each in at_once:
            _, said = each.communicate(timeout=60)
            ends.append((each.returncode, said.decode()))

    assert ends == [(-signal.SIGKILL, "")] * LIVES
    lent = loans(ledger)
    assert set(lent) == {pair.impi for pair in PAIRS}
    for impi, users in lent.items():
        for (_, until, holder), (since, _, other) in combinations(users, 2):
            assert other == holder or since >= until, impi
    # and nothing is lost to those who died with it
    later = datetime.now(UTC) + timedelta(seconds=5)
    assert await shelf.free(later) == len(PAIRS)
    await engine.dispose()
