"""The log is written once for each turn of the loop, and loses nothing."""

from __future__ import annotations

import asyncio
import io

from epcscfd.telemetry.turns import TurnStream


class Counting(io.StringIO):
    """Counts what would be system calls."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def say(turns: TurnStream, *lines: str) -> None:
    for line in lines:
        turns.write(line)
        turns.flush()


async def test_lines_of_one_turn_are_written_together_when_it_is_over() -> None:
    stream = Counting()
    turns = TurnStream(stream)
    say(turns, "a", "b", "c")

    assert stream.getvalue() == ""
    await asyncio.sleep(0)
    assert (stream.getvalue(), stream.flushes) == ("abc", 1)
    say(turns, "d")
    await asyncio.sleep(0)
    assert (stream.getvalue(), stream.flushes) == ("abcd", 2)


async def test_lines_are_out_before_what_the_turn_wakes() -> None:
    stream, woken = Counting(), asyncio.Event()
    seen: list[str] = []

    async def send() -> None:
        await woken.wait()
        seen.append(stream.getvalue())

    sending = asyncio.create_task(send())
    await asyncio.sleep(0)
    say(TurnStream(stream), "decided")
    woken.set()
    await sending

    assert seen == ["decided"]


def test_without_a_loop_every_line_is_out_at_once() -> None:
    stream = Counting()
    say(TurnStream(stream), "a", "b")

    assert (stream.getvalue(), stream.flushes) == ("ab", 2)


def test_the_last_words_of_a_loop_are_written() -> None:
    stream = Counting()

    async def end() -> None:
        say(TurnStream(stream), "stopped")

    asyncio.run(end())

    assert stream.getvalue() == "stopped"
