"""Run the IMS core alone and show what its HSS is asked, until Ctrl-C."""

from __future__ import annotations

import argparse

from pathlib import Path

from lab.core import ImsCore, Plan
from lab.cscf import authority
from lab.hss import follow
from lab.subscribers import read_subscriptions


SUBSCRIBERS = Path(__file__).with_name("subscribers.toml")


def main() -> None:
    """Start the core of the command line's wishes; end it at SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.add_argument("--subscribers", type=Path, default=SUBSCRIBERS, help="TOML file")
    parser.add_argument("--run-dir", type=Path, default=Path("run/lab"))
    parser.add_argument("--realm", default="ims.example")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--edge", action="append", help="address of an eP-CSCF; several allowed")
    parser.add_argument("--ports", type=int, nargs=4, default=(), help="HSS S-CSCF I-CSCF I-CSCF")
    asked = parser.parse_args()
    plan = Plan(
        realm=asked.realm,
        host=asked.host,
        edges=tuple(asked.edge or [asked.host]),
        ports=tuple(asked.ports),
    )
    run_dir = asked.run_dir.resolve()
    with ImsCore(run_dir, read_subscriptions(asked.subscribers), plan) as core:
        for address in core.icscf_addresses:
            print(f"I-CSCF  sip:{authority(*address)}")
        print(f"S-CSCF  {core.scscf.uri}")
        print(f"HSS     {core.hss.host}:{core.hss.port} (Diameter Cx)")
        print(f"logs    {run_dir}/*/log", flush=True)
        for received in follow(core.hss):
            core.check_alive()
            print(received, flush=True)


if __name__ == "__main__":
    main()
