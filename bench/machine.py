"""What all of it ran on, so that figures of two runs can be told apart."""

from __future__ import annotations

import os
import platform
import re
import subprocess

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


BUSY = 0.5
"Load average from which a machine of two cores has other things to do."

PROGRAMS = (("kamailio", "-v"), ("sipp", "-v"), ("haproxy", "-v"))
LIBRARIES = ("grpcio", "protobuf", "PyJWT", "cryptography")

_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Machine:
    """Hardware and software of a run; no date, which would say less."""

    cores: int
    processor: str
    memory_gib: int
    system: str
    kernel: str
    python: str
    programs: dict[str, str]
    libraries: dict[str, str]
    load_before: float
    "Load average of the minute before the run."

    @property
    def was_busy(self) -> bool:
        """Whether somebody else was at work."""
        return self.load_before > BUSY


def describe_machine() -> Machine:
    """Look around."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cores=os.cpu_count() or 0,
        processor=processor_of(Path("/proc/cpuinfo").read_text()),
        memory_gib=round(pages / (1 << 30)),
        system=platform.freedesktop_os_release()["PRETTY_NAME"],
        kernel=platform.release(),
        python=platform.python_version(),
        programs={program: _version_of(program, option) for program, option in PROGRAMS},
        libraries={library: version(library) for library in LIBRARIES},
        load_before=round(os.getloadavg()[0], 2),
    )


def processor_of(cpuinfo: str) -> str:
    """Return the model name out of /proc/cpuinfo; some machines have none there."""
    found = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    return found[1] if found else platform.machine()


def _version_of(program: str, option: str) -> str:
    """Ask *program*; what it ends with does not matter, SIPp ends with 99."""
    said = subprocess.run([program, option], capture_output=True, text=True, check=False)
    found = _VERSION.search(said.stdout + said.stderr)
    return found[1] if found else "unknown"
