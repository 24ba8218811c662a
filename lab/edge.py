"""The eP-CSCF's Kamailio as a child process: `kamailio.cfg` of this project, as it is."""

from __future__ import annotations

import base64

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.cscf import Address, authority, in_uri
from lab.kamailio import Define, Kamailio, Launch
from lab.ports import free_port
from lab.rpc import RpcError
from lab.sidecar import PROGRAMS


ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What the browser door shows and whom it believes."""

    certificate: Path
    key: Path
    client_ca: Path


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """What differs from one eP-CSCF of the lab to another."""

    run_dir: Path
    sidecar_socket: Path
    next_hops: Mapping[int, Sequence[Address]]
    "I-CSCFs by dispatcher set."
    tls: TlsFiles | None = None
    "None: TLS ends in a front end, and the door is the front door."
    host: str = HOST
    "Address of all listeners, IPv4 or IPv6."
    browser_port: int = field(default_factory=free_port)
    native_port: int = field(default_factory=free_port)
    core_port: int = field(default_factory=free_port)
    web_server_port: int = field(default_factory=free_port)
    "Where web servers register blocks, if they do (`EPCSCF_WITH_BLOCKS` among the defines)."
    rtpengine: str | None = None
    "Control socket; None: session descriptions pass as they are."
    defines: Mapping[str, Define] = field(default_factory=dict)
    listen: tuple[str, ...] = ()
    "Listeners besides those of kamailio.cfg, as for `-l`."
    shm_mb: int = 128
    allocator: str | None = None
    "As in Launch. None: what operators are told to use with such a door (docs/adr/0023)."

    @property
    def door(self) -> Address:
        """Where browsers knock, or their front end does."""
        return self.host, self.browser_port


class Edge(Kamailio):
    """One Kamailio with the drop-in."""

    def __init__(self, plan: EdgePlan) -> None:
        self.plan = plan
        plan.run_dir.mkdir(parents=True, exist_ok=True)
        hops = (
            f"{number} sip:{authority(*address)}\n"
            for number, addresses in plan.next_hops.items()
            for address in addresses
        )
        (plan.run_dir / "dispatcher.list").write_text("".join(hops))
        launch = Launch(
            name="epcscf",
            cfg=ROOT / "kamailio.cfg",
            run_dir=plan.run_dir,
            listen=plan.listen,
            defines={**self._defines(), **plan.defines},
            shm_mb=plan.shm_mb,
            pkg_mb=16,
            allocator=_allocator(plan),
        )
        super().__init__(launch, lambda kamailio: kamailio.answers_rpc())

    def _defines(self) -> dict[str, Define]:
        plan = self.plan
        host = in_uri(plan.host)
        site = PROGRAMS.parent / "lib" / "python3.11" / "site-packages"
        shared: dict[str, Define] = {
            "CORE_HOST": host,
            "CORE_PORT": plan.core_port,
            "DISPATCHER_LIST": str(plan.run_dir / "dispatcher.list"),
            "EPCSCF_NODE": "epcscf1.ims.example",
            "EPCSCF_SCRIPT": str(ROOT / "kemi" / "epcscf.py"),
            "EPCSCF_SIDECAR": f"unix:{plan.sidecar_socket}",
            "EPCSCF_SITE": f"{site}:{ROOT / 'build' / 'stubs'}",
            "LOG_TO_STDERR": 1,
            "WORKERS": 2,
            "WEB_SERVER_HOST": host,
            "WEB_SERVER_PORT": plan.web_server_port,
        }
        if plan.tls is None:
            door: dict[str, Define] = {
                "EPCSCF_WITH_FRONT": True,
                "FRONT_HOST": host,
                "FRONT_PORT": plan.browser_port,
            }
        else:
            door = {
                "EPCSCF_WITH_TLS": True,
                "BROWSER_HOST": host,
                "BROWSER_PORT": plan.browser_port,
                "TLS_CERTIFICATE": str(plan.tls.certificate),
                "TLS_PRIVATE_KEY": str(plan.tls.key),
                "EPCSCF_WITH_NATIVE_DOOR": True,
                "NATIVE_HOST": host,
                "NATIVE_PORT": plan.native_port,
                "TLS_CONFIG": str(self._write_tls_config(plan.tls)),
            }
        if plan.rtpengine is not None:
            shared |= {"EPCSCF_WITH_MEDIA": True, "RTPENGINE": plan.rtpengine}
        return {**shared, **door}

    def _write_tls_config(self, tls: TlsFiles) -> Path:
        """Write that of `deploy/`, with what is this edge's own."""
        here = {
            "203.0.113.7:8444": authority(self.plan.host, self.plan.native_port),
            "203.0.113.7:5061": authority(self.plan.host, self.plan.web_server_port),
            "/etc/kamailio/epcscf.pem": str(tls.certificate),
            "/etc/kamailio/epcscf.key": str(tls.key),
            "/etc/kamailio/epcscf-clients.pem": str(tls.client_ca),
        }
        text = (ROOT / "deploy" / "tls.cfg").read_text()
        if "EPCSCF_WITH_BLOCKS" in self.plan.defines:
            text += (ROOT / "deploy" / "tls-webserver.cfg").read_text()
        for there, place in here.items():
            text = text.replace(there, place)
        path = self.plan.run_dir / "tls.cfg"
        path.write_text(text)
        return path

    @property
    def url(self) -> str:
        """Where WICs connect."""
        return door_url("ws" if self.plan.tls is None else "wss", self.plan.door)

    @property
    def native_url(self) -> str:
        """Where clients with a certificate connect, where TLS ends here."""
        return door_url("wss", (self.plan.host, self.plan.native_port))

    def row(self, table: str, key: str) -> str | int | None:
        """Return a row of a shared table, None if there is none."""
        try:
            entry = self.rpc("htable.get", table, key)
        except RpcError:
            return None
        value: str | int = entry["item"]["value"]
        return value

    def rows(self, table: str) -> dict[str, str | int]:
        """Return all rows of a shared table."""
        slots = self.rpc("htable.dump", table) or []
        return {row["name"]: row["value"] for slot in slots for row in slot["slot"]}

    def connections_of(self, impi: str) -> list[int]:
        """Return the connections on which this IMPI is registered."""
        name = self.coded(impi)
        flows = self.rows("ep_flow")
        return [int(key) for key, row in flows.items() if str(row).split("|")[0] == name]

    @staticmethod
    def coded(text: str) -> str:
        """Write *text* as rows hold what a sender controls."""
        return base64.b64encode(text.encode()).decode()

    @staticmethod
    def decoded(field: str) -> str:
        """Read such a field."""
        return base64.b64decode(field).decode()

    def standing(self) -> set[tuple[str, str]]:
        """Return what is registered: connections, each with a public identity."""
        ids = (key.partition("|") for key in self.rows("ep_binding"))
        return {(each, self.decoded(impu)) for each, _, impu in ids}

    def stands(self, impu: str) -> bool:
        """Tell whether *impu* is registered over any connection."""
        return any(impu == each for _, each in self.standing())

    @property
    def asks(self) -> bool:
        """Whether first sights are taken to the sidecar; if not, they are put off at once."""
        return self.row("ep_pulse", "authorizer") is not None

    def feign_pulse(self, seconds: int = 30) -> None:
        """Have first sights taken to the sidecar for so long, whatever has become of it.

        For what happens before anybody notices: on a busy machine the second that the
        real pulse lasts may be over before a test has said its first word.
        """
        self.rpc("htable.setex", "ep_pulse", "authorizer", seconds)

    def wait_for_policy(self, revision: int = 1, seconds: float = 10.0) -> None:
        """Wait until the policy of *revision*, or a later one, is in force here.

        Raise TimeoutError if it is not within *seconds*.
        """

        def in_force() -> bool:
            return self.asks and int(self.row("ep_state", "revision") or 0) >= revision

        self.wait_until(in_force, seconds=seconds, what=f"policy {revision}")

    def authorizer_pid(self) -> int:
        """Return the process id of the authorizer."""
        for process in self.rpc("core.psx"):
            if "ep_authorizer" in process["DSC"]:
                return int(process["PID"])
        raise LookupError("no authorizer among the processes")


def door_url(scheme: str, door: Address) -> str:
    """Return what a WIC is told, by name where there is one in the certificate."""
    host, port = door
    return f"{scheme}://{authority('localhost' if host == HOST else host, port)}/"


def _allocator(plan: EdgePlan) -> str:
    """Name the allocator: `tlsf` dies of what Kamailio's TLS does to it (docs/adr/0013)."""
    if plan.allocator is not None:
        return plan.allocator
    return "tlsf" if plan.tls is None else ""
