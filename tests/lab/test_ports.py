"""Labs that start at the same moment choose different ports."""

from __future__ import annotations

import subprocess
import sys


CHOOSE = """
import lab.ports as ports
ports.OURS = range(19_000, 19_400)
print(*ports.free_ports(100), flush=True)
input()
"""


def test_two_labs_that_have_bound_nothing_yet_share_no_port():
    labs = [
        subprocess.Popen(
            (sys.executable, "-c", CHOOSE),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    chosen = [set(lab.stdout.readline().split()) for lab in labs]
    for lab in labs:
        lab.communicate("\n")

    assert [len(ports) for ports in chosen] == [100, 100]
    assert chosen[0] & chosen[1] == set()
