"""What processes cost, as Linux tells it: CPU time, memory, and what they have mapped.

CPU time says more than a rate where load generator and what is measured share the cores,
and it says how much of a run belonged to somebody else.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


PROC = Path("/proc")
TICK = 1 / os.sysconf("SC_CLK_TCK")
"Seconds; the grain of all CPU times here."

LOAD = "load"
"Name of what has made the load, among the groups."

SHARED_SEGMENT = ("/dev/zero (deleted)", "/SYSV")
"How Kamailio's shared memory is called among the mappings of its processes."


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """CPU seconds spent until a moment."""

    groups: Mapping[str, float]
    "By name, each with all processes of its group; LOAD is the generators that have ended."
    ours: float
    "All groups and this process."
    machine: float
    "Whatever ran on this machine."

    def share_since(self, before: CpuTimes, count: int) -> dict[str, float]:
        """Return the CPU seconds that each group has spent since, by *count*."""
        return {name: (spent - before.groups[name]) / count for name, spent in self.groups.items()}

    def foreign_since(self, before: CpuTimes) -> float:
        """Return the share of the machine's CPU time since that is not ours, from 0 to 1."""
        machine = self.machine - before.machine
        return max(0.0, 1 - (self.ours - before.ours) / machine) if machine else 0.0


def cpu_times(groups: Mapping[str, int]) -> CpuTimes:
    """Look at the clocks of these process *groups* and of the machine."""
    spent = _cpu_by_group()
    by_name = {name: spent.get(group, 0.0) for name, group in groups.items()}
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    by_name[LOAD] = ended.ru_utime + ended.ru_stime
    return CpuTimes(by_name, sum(by_name.values()) + time.process_time(), _cpu_of_machine())


def _cpu_by_group() -> dict[int, float]:
    spent: dict[int, float] = {}
    for stat in PROC.glob("[0-9]*/stat"):
        # a process that ends meanwhile has its time in that of its parent
        with contextlib.suppress(OSError):
            group, seconds = read_stat(stat.read_text())
            spent[group] = spent.get(group, 0.0) + seconds
    return spent


def read_stat(stat: str) -> tuple[int, float]:
    """Return process group and CPU seconds out of /proc/PID/stat (proc(5))."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[2]), (int(fields[11]) + int(fields[12])) * TICK


def _cpu_of_machine() -> float:
    """Return all but idle time; guest time is counted in user time already."""
    user, nice, system, _idle, _wait, irq, softirq, steal = (
        int(field) for field in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) * TICK


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one process, in bytes; Kamailio's shared memory is not in it."""

    pss: int
    "Proportional: what several processes share is divided among them."
    private: int
    libraries: frozenset[str]
    "File names of the shared objects that are mapped."

    def has(self, library: str) -> bool:
        """Tell whether a shared object of this name, or a part of it, is mapped."""
        return any(library in name for name in self.libraries)


def memory_of(pid: int) -> Memory:
    """Look at the memory of one process. Raise OSError if it has ended."""
    return read_smaps((PROC / str(pid) / "smaps").read_text().splitlines())


def read_smaps(lines: Iterable[str]) -> Memory:
    """Sum up /proc/PID/smaps (proc(5)): a line per mapping, then its figures in KiB."""
    pss = private = 0
    libraries = set()
    counted = True
    for line in lines:
        name, _, value = line.partition(" ")
        if not name.endswith(":"):
            path = _path_of(line)
            counted = not path.startswith(SHARED_SEGMENT)
            libraries |= {path.rpartition("/")[2]} if ".so" in path else set()
        elif counted and name == "Pss:":
            pss += _bytes(value)
        elif counted and name in {"Private_Clean:", "Private_Dirty:"}:
            private += _bytes(value)
    return Memory(pss, private, frozenset(libraries))


def _path_of(mapping: str) -> str:
    fields = mapping.split(maxsplit=5)
    return fields[5] if len(fields) > 5 else ""


def _bytes(size: str) -> int:
    return int(size.split(maxsplit=1)[0]) * 1024
