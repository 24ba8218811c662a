"""Passwords: hashed as RFC 9106 says, one after another, and for nobody as for somebody."""

from __future__ import annotations

import asyncio
import threading

import pytest

from argon2 import PasswordHasher, extract_parameters

from epcscfd.directory.passwords import AT_ONCE, MOST_WAITING, Passwords
from epcscfd.errors import Unavailable
from lab.waiting import wait_until


QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Slow(PasswordHasher):
    """Waits until it is let go, and counts who waits."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.gate = threading.Event()
        self.inside = 0
        self.most = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - its name
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.gate.wait(10)
        with self._lock:
            self.inside -= 1
        return super().verify(hash, password)


async def test_what_is_kept_is_argon2id_of_the_usual_strength() -> None:
    parameters = extract_parameters(await Passwords().hash("correct horse"))

    assert parameters.type.name == "ID"
    assert (parameters.memory_cost, parameters.time_cost) == (65536, 3)


async def test_the_right_password_matches_and_no_other() -> None:
    passwords = Passwords(QUICK)
    hashed = await passwords.hash("correct horse")

    assert await passwords.matches(hashed, "correct horse")
    assert not await passwords.matches(hashed, "correct horsE")
    assert not await passwords.matches("not a hash", "correct horse")


@pytest.mark.req("S004-4")
async def test_for_nobody_it_is_worked_as_for_somebody() -> None:
    slow = Slow()
    slow.gate.set()
    passwords = Passwords(slow)

    assert not await passwords.matches("", "nobody has this password")
    assert slow.most == 1


async def test_a_flood_is_put_off_and_takes_no_more_memory_than_a_few() -> None:
    slow = Slow()
    passwords = Passwords(slow)
    asked = [asyncio.create_task(passwords.matches("", "x")) for _ in range(MOST_WAITING)]
    await asyncio.to_thread(
        wait_until, lambda: slow.inside == AT_ONCE, seconds=5, what="the first few"
    )

    with pytest.raises(Unavailable):
        await passwords.matches("", "x")
    slow.gate.set()
    assert await asyncio.gather(*asked) == [False] * MOST_WAITING
    assert slow.most == AT_ONCE
    assert await passwords.matches("", "x") is False
