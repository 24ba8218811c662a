"""Lends pairs of a pool to users, one after the other, until it is killed in the middle of it.

    python -m tests.process.borrower URL LEDGER SEED

What has left the house is a line of LEDGER, as in life: from then on nobody can take it back.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import threading

from datetime import UTC, datetime, timedelta
from pathlib import Path

from demo.wwsf.pool.lease import PoolExhausted, Terms
from demo.wwsf.pool.shelf import Shelf
from epcscfd.store.engine import make_engine


TERMS = Terms(
    reservation=timedelta(milliseconds=300),
    after_token=timedelta(milliseconds=20),
    quarantine=timedelta(milliseconds=20),
)
LONGEST_LIFE = 0.5
"Seconds, from the first lease on."


class Ledger:
    """Appends lines, whole ones even if we die."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, **what: object) -> None:
        """Write one line."""
        os.write(self._file, (json.dumps(what) + "\n").encode())


async def lend(shelf: Shelf, ledger: Ledger, dice: random.Random) -> None:
    """Serve one user: reserve, get a token, confirm, hand it out, and maybe take it back."""
    holder = f"user{dice.randrange(6)}"
    try:
        lease = await shelf.reserve(holder, _now())
    except PoolExhausted:
        await asyncio.sleep(dice.uniform(0, 0.02))
        return
    # the WAF takes its time; sometimes longer than a reservation holds
    await asyncio.sleep(dice.choice((0, 0, 0.01, 0.4)))
    expires_at = _now() + timedelta(seconds=dice.uniform(0.05, 0.3))
    if not await shelf.confirm(lease, expires_at, _now()):
        return
    token, until = dice.getrandbits(64), expires_at.timestamp()
    ledger.note(token=token, impi=lease.pair.impi, holder=holder, at=_seconds(), until=until)
    if dice.random() < 0.3:
        ledger.note(revoked=token, at=_seconds())
        await shelf.give_back(lease, 1, _now())


async def main(url: str, path: str, seed: str) -> None:
    """Go on until the end comes."""
    ledger = Ledger(Path(path))
    dice = random.Random(seed)
    shelf = Shelf(make_engine(url), TERMS)
    life = dice.uniform(0.05, LONGEST_LIFE)
    threading.Timer(life, os.kill, (os.getpid(), signal.SIGKILL)).start()
    while True:
        await lend(shelf, ledger, dice)


def _now() -> datetime:
    return datetime.now(UTC)


def _seconds() -> float:
    return _now().timestamp()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
