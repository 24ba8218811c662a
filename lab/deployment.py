"""A whole deployment on loopback: IMS core, WAFs, sidecar and eP-CSCF.

    with Deployment(run_dir) as lab:
        async with await lab.connect("portal") as wic:
            await wic.register("sip:alice@ims.example", lab.bearer("portal", "alice@ims.example"))

Three WWSFs, one of each kind that the standards tell apart (TS 33.203 X.3.2.3 step 5):
`portal` is the operator's; `partner` is a third party whose users are IMS subscribers;
`socialnet` is a third party that lends out a pool of subscriptions.
"""

from __future__ import annotations

import contextlib
import ssl

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.certificates import Authority
from lab.core import ImsCore, Plan
from lab.cscf import Address, authority
from lab.edge import HOST, Edge, EdgePlan, TlsFiles
from lab.front import Front
from lab.issuer import Issuer, JwksServer
from lab.kamailio import Define
from lab.ports import free_port
from lab.rtpengine import Rtpengine
from lab.sidecar import Settings, Sidecar
from lab.subscribers import Subscription
from lab.wic import Wic


HOME = "ims.example"
EDGE_NAME = "epcscf1.ims.example"
EDGE_URL = f"wss://{EDGE_NAME}/"
"What pages are given, whose browsers find that name here."
WWSFS = ("portal", "partner", "socialnet")

USERS = 128
"`user0` and so on: the S-CSCF of 5.6.3 locks up when many register one user at the same time."

PARTNERS = ("waf.partner.example", "waf.socialnet.example")
"On whose word the HSS lets its subscribers be registered, by the third parties' entity ids."

SUBSCRIPTIONS = tuple(
    Subscription(impi=impi, impus=tuple(impus), wafs=PARTNERS)
    for impi, *impus in (
        *((f"user{n}@ims.example", f"sip:user{n}@ims.example") for n in range(USERS)),
        ("alice@ims.example", "sip:alice@ims.example", "tel:+15550100"),
        ("bob@ims.example", "sip:bob@ims.example"),
        ("carol@ims.example", "sip:carol@ims.example"),
        ("guest1@socialnet.example", "sip:guest1@ims.example"),
        ("guest2@ims.example", "sip:guest2@ims.example"),
    )
)

POLICY = """
[home_domains."ims.example"]

[authorization_entities.waf]
issuer = "https://waf.ims.example"
location = "operator"
keys.jwks_file = "{portal_jwks}"
algorithms = ["ES256"]

[authorization_entities.partner]
issuer = "https://waf.partner.example"
location = "third-party"
entity_id = "waf.partner.example"
keys.jwks_url = "{partner_jwks}"
algorithms = ["ES256"]

[authorization_entities.socialnet]
issuer = "https://waf.socialnet.example"
location = "third-party"
entity_id = "waf.socialnet.example"
keys.jwks_url = "{socialnet_jwks}"
algorithms = ["ES256"]

[wwsfs.portal]
origins = ["https://portal.ims.example"]
authorization_entities = ["waf"]

[wwsfs.partner]
origins = ["https://partner.example"]
authorization_entities = ["partner"]

[wwsfs.socialnet]
origins = ["https://socialnet.example"]
authorization_entities = ["socialnet"]
pool.impi_realms = ["socialnet.example"]
"""

ORIGINS = {
    "portal": "https://portal.ims.example",
    "partner": "https://partner.example",
    "socialnet": "https://socialnet.example",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to differ from the usual deployment."""

    subscriptions: Iterable[Subscription] = SUBSCRIPTIONS
    core: Plan = field(default_factory=Plan)
    next_hops: Mapping[int, Sequence[Address]] = field(default_factory=dict)
    "I-CSCFs of other cores, by dispatcher set."
    edge: Mapping[str, Define] = field(default_factory=dict)
    "Definitions for kamailio.cfg."
    sidecar: Settings = field(default_factory=dict)
    host: str = HOST
    "Address of all doors of the eP-CSCF, IPv4 or IPv6; that of the core is in its plan."
    browser_port: int | None = None
    behind_front: bool = False
    "TLS ends in HAProxy instead of in Kamailio."
    media: bool = False
    "Calls have their media through an rtpengine."
    shm_mb: int = 128


class Deployment:
    """Starts the parts, holds them, ends them."""

    def __init__(self, run_dir: Path, wishes: Wishes | None = None) -> None:
        wishes = wishes or Wishes()
        run_dir.mkdir(parents=True, exist_ok=True)
        self.run_dir = run_dir
        self.authority = Authority(run_dir / "tls")
        self.issuers = {
            "portal": Issuer("https://waf.ims.example", "portal"),
            "partner": Issuer("https://waf.partner.example", "partner"),
            "socialnet": Issuer("https://waf.socialnet.example", "socialnet"),
        }
        self.jwks = {name: JwksServer(self.issuers[name]) for name in ("partner", "socialnet")}
        core_port = free_port(wishes.host)
        self.core = _make_core(run_dir / "core", wishes, core_port)
        trust = {"ca_file": str(self.authority.certificate)}
        self.sidecar = Sidecar(
            run_dir / "sidecar", {"keys": trust, "events": trust, **wishes.sidecar}
        )
        pages = (origin.removeprefix("https://") for origin in ORIGINS.values())
        self.server = self.authority.issue_server(hosts=(EDGE_NAME, "localhost", *pages))
        "For the browser door, and for whoever serves the pages."
        tls = TlsFiles(self.server.certificate, self.server.key, self.authority.certificate)
        self.media = Rtpengine(run_dir / "media", wishes.host) if wishes.media else None
        self.edge = Edge(
            EdgePlan(
                run_dir=run_dir / "edge",
                sidecar_socket=self.sidecar.control_socket,
                next_hops={1: self.core.icscf_addresses, **wishes.next_hops},
                tls=None if wishes.behind_front else tls,
                rtpengine=None if self.media is None else self.media.control,
                defines=wishes.edge,
                shm_mb=wishes.shm_mb,
                host=wishes.host,
                core_port=core_port,
                browser_port=wishes.browser_port or free_port(wishes.host),
            )
        )
        self.front: Front | None = None
        if wishes.behind_front:
            self.front = Front(run_dir / "front", self.edge.plan.door, self.server)
        self._held = contextlib.ExitStack()

    def start(self) -> Self:
        """Bring everything up; ready when the policy is in force at the edge."""
        with contextlib.ExitStack() as starting:
            for server in self.jwks.values():
                starting.enter_context(server)
            starting.enter_context(self.core)
            starting.enter_context(self.sidecar)
            self.apply(self.policy())
            if self.media is not None:
                starting.enter_context(self.media)
            starting.enter_context(self.edge)
            self.edge.wait_for_policy()
            if self.front is not None:
                starting.enter_context(self.front)
            self._held = starting.pop_all()
        return self

    def stop(self) -> None:
        """End everything, last started first."""
        self._held.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def policy(self) -> str:
        """Return the policy of the three WWSFs."""
        return POLICY.format(
            portal_jwks=self.issuers["portal"].write_jwks(self.run_dir / "portal.jwks"),
            partner_jwks=self.jwks["partner"].url,
            socialnet_jwks=self.jwks["socialnet"].url,
        )

    def apply(self, policy: str) -> None:
        """Load a policy as an operator would."""
        path = self.run_dir / "policy.toml"
        path.write_text(policy)
        self.sidecar.ctl("apply", "--yes", str(path))

    def trust(self) -> ssl.SSLContext:
        """Return what a client needs to believe the browser door."""
        return ssl.create_default_context(cafile=str(self.authority.certificate))

    @property
    def url(self) -> str:
        """Where WICs connect: the front end, if there is one."""
        return self.edge.url if self.front is None else self.front.url

    async def connect(self, wwsf: str = "portal") -> Wic:
        """Open a WebSocket as a page of *wwsf* does."""
        return await Wic.connect(self.url, origin=ORIGINS[wwsf], ssl=self.trust())

    def bearer(self, wwsf: str = "portal", impi: str = "alice@ims.example", **more: Any) -> str:
        """Make an Authorization value with a token of the WAF of *wwsf*."""
        return f"Bearer {self.issuers[wwsf].token(impi, **more)}"


def _make_core(run_dir: Path, wishes: Wishes, edge_port: int) -> ImsCore:
    registrar = f"sip:{authority(wishes.host, edge_port)}"
    return ImsCore(run_dir, wishes.subscriptions, replace(wishes.core, registrar=registrar))
