"""All programs of a measurement, up at the same time on loopback.

The core behind is a Kamailio that answers 200 at once: what is measured is the eP-CSCF,
and a real core would take more of the machine than that.

    with Stand(run_dir) as stand:
        stand.save       # a registrar: the least that answering a REGISTER takes
        stand.relay      # a proxy:     the least that relaying one takes
        stand.edge       # kamailio.cfg and kemi/ of this project, epcscfd beside it
        stand.front      # HAProxy before it, where TLS ends (deploy/haproxy.cfg)
"""

from __future__ import annotations

import contextlib

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.certificates import Authority
from lab.child import Child
from lab.cscf import Address, authority
from lab.edge import Edge, EdgePlan
from lab.front import Front
from lab.issuer import Issuer
from lab.kamailio import Define, Kamailio, Launch
from lab.ports import free_port, free_ports
from lab.sidecar import Sidecar


HERE = Path(__file__).parent
HOST = "127.0.0.1"
WORKERS = 4
"Per listener, in each Kamailio."

SHM_MB = 1024
"A transaction keeps 15 KB for 2 s after its answer: at 10,000/s that is 300 MB."

WWSF = "portal"
ORIGIN = "https://portal.ims.example"

# its pool is registered by the core, its range by the eP-CSCF
POLICY = """
[home_domains."ims.example"]

[authorization_entities.waf]
issuer = "https://waf.ims.example"
location = "operator"
keys.jwks_file = "{jwks}"
algorithms = ["ES256"]

[wwsfs.portal]
origins = ["https://portal.ims.example"]
authorization_entities = ["waf"]
pool.impi_realms = ["ims.example"]
[[wwsfs.portal.ranges]]
range = "sip:room!.*!@ims.example"
enabled = true
"""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the eP-CSCF listens."""

    core: Address
    load_test: Address
    "For SIPp; a browser door in all but the transport."


class Stand:
    """Starts the parts, holds them, ends them."""

    def __init__(self, run_dir: Path, allocator: str = "") -> None:
        run_dir.mkdir(parents=True, exist_ok=True)
        self.run_dir = run_dir
        self._allocator = allocator
        self.sink, self.sink_address = self._bare("SINK")
        self.save, self.save_address = self._bare("SAVE")
        next_hop = f"sip:{authority(*self.sink_address)}"
        self.relay, self.relay_address = self._bare("RELAY", NEXT_HOP=next_hop)
        self.issuer = Issuer("https://waf.ims.example", WWSF)
        self.sidecar = Sidecar(run_dir / "sidecar")
        self.authority = Authority(run_dir / "tls")
        core, load_test = free_ports(2)
        self.doors = Doors((HOST, core), (HOST, load_test))
        self.edge = Edge(self._edge_plan())
        server = self.authority.issue_server()
        self.front = Front(run_dir / "front", self.edge.plan.door, server)
        self._held = contextlib.ExitStack()

    def _bare(self, mode: str, **defines: Define) -> tuple[Kamailio, Address]:
        address = (HOST, free_port())
        launch = Launch(
            name=mode.lower(),
            cfg=HERE / "bare.cfg",
            run_dir=self.run_dir / mode.lower(),
            listen=(f"udp:{authority(*address)}",),
            defines={mode: True, "WORKERS": WORKERS, **defines},
            shm_mb=SHM_MB,
            allocator=self._allocator,
        )
        return Kamailio(launch, lambda kamailio: kamailio.answers_rpc()), address

    def _edge_plan(self) -> EdgePlan:
        return EdgePlan(
            run_dir=self.run_dir / "edge",
            sidecar_socket=self.sidecar.control_socket,
            next_hops={1: [self.sink_address]},
            core_port=self.doors.core[1],
            defines={
                "WORKERS": WORKERS,
                "EPCSCF_LOAD_TEST_DOOR": f"{WWSF}|loadtest|-",
                "LOADTEST_HOST": HOST,
                "LOADTEST_PORT": self.doors.load_test[1],
                # all load comes from one WWSF here, and it is meant to
                "EPCSCF_RATE_WWSF": 100_000_000,
                "EPCSCF_RATE_ORIGIN": 100_000_000,
                # the sink is no S-CSCF
                "EPCSCF_NO_REG_EVENT": True,
            },
            shm_mb=SHM_MB,
            allocator=self._allocator,
        )

    @property
    def groups(self) -> Mapping[str, int]:
        """Process groups of all parts, by name."""
        bare: tuple[Child, ...] = (self.sink, self.save, self.relay)
        return {child.name: child.pid for child in (*bare, self.sidecar, self.edge, self.front)}

    @property
    def url(self) -> str:
        """Where browsers connect."""
        return f"wss://localhost:{self.front.port}/"

    def forget_calls(self) -> None:
        """Drop what the eP-CSCF remembers of single REGISTERs, but not its verdicts.

        Each call of SIPp has a Call-ID of its own, where a browser keeps one for as long as
        its page is open; so the table of sequence numbers grows here as nowhere else.
        """
        self.edge.rpc("htable.flush", "ep_sequence")

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as starting:
            for kamailio in (self.sink, self.save, self.relay):
                starting.enter_context(kamailio)
            starting.enter_context(self.sidecar)
            policy = self.run_dir / "policy.toml"
            jwks = self.issuer.write_jwks(self.run_dir / "waf.jwks")
            policy.write_text(POLICY.format(jwks=jwks))
            self.sidecar.ctl("apply", "--yes", str(policy))
            starting.enter_context(self.edge)
            self.edge.wait_for_policy()
            starting.enter_context(self.front)
            self._held = starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()
