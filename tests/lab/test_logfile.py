"""A log is read while it grows: from a mark, in whole lines, as soon as they are there."""

from __future__ import annotations

import threading

import pytest

from lab.logfile import LogFile
from lab.waiting import wait_until


@pytest.fixture
def log(tmp_path):
    return LogFile(tmp_path / "log")


def append(log, octets):
    with log.path.open("ab") as file:
        file.write(octets)


def find(text):
    return lambda line: line if text in line else None


def test_log_that_does_not_exist_yet_is_empty(log):
    assert (log.mark(), log.lines(), log.tail()) == (0, [], "")


def test_lines_are_read_from_a_mark_and_only_whole_ones(log):
    append(log, b"old\n")
    mark = log.mark()
    append(log, b"first\nhal")

    assert log.lines(mark) == ["first"]
    append(log, b"f\n")
    assert log.lines(mark) == ["first", "half"]


def test_octets_that_are_no_text_are_shown(log):
    append(log, b"caf\xe9\n")

    assert log.lines() == ["caf\\xe9"]


def test_tail_is_the_end(log):
    append(log, b"1\n2\n3\n")

    assert log.tail(2) == "2\n3"


def test_line_is_found_when_it_is_completed(log):
    append(log, b"noise\nwan")
    writer = threading.Timer(0.03, append, [log, b"ted\n"])
    writer.start()

    assert log.wait_for(find("wanted"), seconds=5, what="line") == "wanted"
    writer.join()


def test_line_before_the_mark_is_not_found(log):
    append(log, b"wanted\n")

    with pytest.raises(TimeoutError, match=r"no line within 0\.03 s"):
        log.wait_for(find("wanted"), seconds=0.03, what="line", since=log.mark())


def test_waiting_looks_at_least_once_and_lets_errors_through():
    assert wait_until(lambda: "at once", seconds=0, what="anything") == "at once"
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 // 0, seconds=5, what="anything")
