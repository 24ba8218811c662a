"""The figures of Linux are summed up as proc(5) says."""

from __future__ import annotations

import os
import time

from bench.processes import LOAD, TICK, CpuTimes, cpu_times, memory_of, read_smaps, read_stat


SMAPS = """\
55d0-55d1 r-xp 00000000 08:01 42    /usr/sbin/kamailio
Size:                  8 kB
Pss:                   2 kB
Private_Clean:         1 kB
Private_Dirty:         1 kB
Private_Hugetlb:     512 kB
7f00-7f01 rw-s 00000000 00:01 43    /dev/zero (deleted)
Pss:                4096 kB
Private_Dirty:      4096 kB
7f02-7f03 r-xp 00000000 08:01 44    /venv/grpc/_cython/cygrpc.cpython-311-x86_64-linux-gnu.so
Pss:                  10 kB
Private_Clean:         0 kB
7f04-7f05 rw-p 00000000 00:00 0
Pss:                   5 kB
Private_Dirty:         5 kB
""".splitlines()


def test_memory_is_summed_up_without_the_shared_segment():
    memory = read_smaps(SMAPS)

    assert memory.pss == 17 * 1024
    assert memory.private == 7 * 1024


def test_what_is_mapped_is_known_by_name():
    memory = read_smaps(SMAPS)

    assert memory.has("cygrpc")
    assert not memory.has("kamailio")


def test_a_process_may_have_any_name():
    fields = "S 1 77 77 0 -1 4194560 100 200 0 0 30 12 5 5 20 0 1 0"

    assert read_stat(f"123 (a) b) {fields}") == (77, 42 * TICK)


def test_our_own_work_is_seen():
    groups = {"us": os.getpgid(0)}
    before = cpu_times(groups)
    until = time.process_time() + 3 * TICK
    while time.process_time() < until:
        pass
    spent = cpu_times(groups).share_since(before, 1)

    assert spent["us"] >= 2 * TICK
    assert spent[LOAD] == 0


def test_our_memory_is_seen():
    assert memory_of(os.getpid()).pss > 1 << 20


def times(ours: float, machine: float, **groups: float) -> CpuTimes:
    return CpuTimes(groups, ours, machine)


def test_work_is_divided_by_what_was_done():
    after = times(5, 10, edge=3.0, sidecar=1.0)

    assert after.share_since(times(1, 2, edge=1.0, sidecar=0.5), 10) == {
        "edge": 0.2,
        "sidecar": 0.05,
    }


def test_the_rest_of_the_machine_is_foreign():
    assert times(4, 10).foreign_since(times(1, 4)) == 0.5
    assert times(1, 4).foreign_since(times(1, 4)) == 0
    # our clocks are finer than the machine's, so we may seem to have had more than all
    assert times(4, 3).foreign_since(times(1, 1)) == 0
