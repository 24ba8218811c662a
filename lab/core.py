"""A whole IMS core: HSS, S-CSCF and I-CSCFs, up together in about a second.

    with ImsCore(run_dir, [Subscription(impi=..., impus=(...,))]) as core:
        core.icscf_addresses    # where an eP-CSCF sends REGISTERs
        core.scscf.wire()       # what arrived behind
        core.hss.commands()     # what the HSS was asked

Several cores run side by side; nothing of theirs is shared but the machine.
"""

from __future__ import annotations

import contextlib

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.cdp import sweep_fifos
from lab.cscf import Address, Site, authority, make_icscf, make_scscf
from lab.hss import Hss
from lab.kamailio import Kamailio
from lab.ports import free_ports
from lab.ranges import expression_of
from lab.scscf import Scscf
from lab.subscribers import Subscription


@dataclass(frozen=True, slots=True)
class Plan:
    """What may differ between cores."""

    realm: str = "ims.example"
    "Home domain and realm of Diameter."
    host: str = "127.0.0.1"
    "Where the CSCFs listen; Diameter stays on 127.0.0.1."
    edges: tuple[str, ...] = ("127.0.0.1",)
    "Addresses from which eP-CSCFs may register users."
    visited_networks: tuple[str, ...] = ()
    "What they may name in P-Visited-Network-ID; empty: the realm."
    icscfs: int = 2
    ports: tuple[int, ...] = ()
    "Of the HSS, the S-CSCF, and each I-CSCF; empty: free ones."
    ranges: tuple[str, ...] = ()
    "Wildcarded identities that are registered here by configuration (static mode)."
    registrar: str = ""
    "URI of the eP-CSCF that answers for their members."
    record: bool = True
    "Whether the S-CSCF keeps what it receives; benchmarks do without."


class ImsCore:
    """Starts the parts, holds them, ends them; `hss`, `scscf` and `icscfs` are the parts."""

    def __init__(
        self, run_dir: Path, subscriptions: Iterable[Subscription] = (), plan: Plan | None = None
    ) -> None:
        plan = plan or Plan()
        ports = plan.ports or free_ports(2 + plan.icscfs, plan.host)
        hss_port, scscf_port, *icscf_ports = ports
        self.realm = plan.realm
        self.icscf_addresses: tuple[Address, ...] = tuple(
            (plan.host, port) for port in icscf_ports
        )
        self.hss = Hss(subscriptions, plan.realm, port=hss_port)
        site = Site(plan.realm, plan.host, run_dir, (self.hss.host, self.hss.port))
        block = (expression_of(plan.ranges), plan.registrar) if plan.ranges else None
        self.scscf = Scscf(
            make_scscf(site, scscf_port, self.icscf_addresses, block=block, record=plan.record),
            f"sip:{authority(plan.host, scscf_port)}",
        )
        if block is not None:
            self.hss.serve(block[0], self.scscf.uri)
        visited = plan.visited_networks or (plan.realm,)
        self.icscfs: tuple[Kamailio, ...] = tuple(
            make_icscf(site, number, port, self.scscf.uri, (plan.edges, visited))
            for number, port in enumerate(icscf_ports, start=1)
        )

    @property
    def cscfs(self) -> tuple[Kamailio, ...]:
        """All Kamailios: the S-CSCF, then the I-CSCFs."""
        return self.scscf.process, *self.icscfs

    def start(self) -> Self:
        """Start everything; ready when SIP answers and Diameter is open everywhere.

        Raise RuntimeError or TimeoutError, with a log, if a part fails; then nothing runs.
        """
        try:
            self.hss.start()
            for cscf in self.cscfs:
                cscf.spawn()
            for cscf in self.cscfs:
                cscf.await_ready()
        except BaseException:
            self._end(Kamailio.kill)
            raise
        return self

    def stop(self) -> None:
        """End everything.

        Raise RuntimeError if a CSCF had ended by itself, or did not end when told to: then
        one of its locks was never released.
        """
        self._end(_stop_quietly)

    def check_alive(self) -> None:
        """Raise RuntimeError, with its log, if a CSCF has ended by itself."""
        for cscf in self.cscfs:
            cscf.check_alive()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end(self, end: Callable[[Kamailio], None]) -> None:
        with contextlib.ExitStack() as ending:
            ending.callback(sweep_fifos)
            ending.callback(self.hss.stop)
            for cscf in self.cscfs:
                ending.callback(end, cscf)


def _stop_quietly(cscf: Kamailio) -> None:
    if not cscf.stop():
        raise RuntimeError(f"{cscf.name}: had to be killed\n{cscf.log.tail()}")
