"""What the Diameter stack leaves behind."""

from __future__ import annotations

import os
import subprocess

from lab.cdp import sweep_fifos


def test_fifos_of_processes_that_are_gone_are_removed_and_no_others(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    kept = {f"cdp_send_{os.getpid()}_1_1700000000", "cdp_other"}
    for name in (*kept, f"cdp_send_{gone.pid}_1_1700000000"):
        os.mkfifo(tmp_path / name)

    sweep_fifos(tmp_path)

    assert {fifo.name for fifo in tmp_path.iterdir()} == kept
