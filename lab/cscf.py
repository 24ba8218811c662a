"""How the lab's CSCFs are started: their definitions, their Diameter, their tables."""

from __future__ import annotations

import itertools
import os
import socket
import time

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.cdp import cdp_xml, hss_is_connected
from lab.diameter import Identity
from lab.kamailio import Define, Kamailio, Launch
from lab.ports import free_port
from lab.sip import SipMessage


Address = tuple[str, int]

_HERE = Path(__file__).parent
_NOBODY_BARRED = _HERE.parent / "deploy" / "barred"
_probes = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Site:
    """What the CSCFs of one core have in common."""

    realm: str
    host: str
    run_dir: Path
    hss: Address

    def prepare(self, name: str) -> Path:
        """Make the run directory of the CSCF *name*."""
        run_dir = self.run_dir / name
        run_dir.mkdir(parents=True, exist_ok=True)
        return run_dir

    def launch(self, role: str, name: str, port: int, defines: dict[str, Define]) -> Launch:
        """Return how a CSCF that was prepared is started; its Diameter goes through the relay."""
        run_dir = self.run_dir / name
        own = Identity(f"{name}.{self.realm}", self.realm)
        relay = self.hss[0], free_port(self.hss[0])
        (run_dir / "cdp.xml").write_text(cdp_xml(own, *relay))
        shared: dict[str, Define] = {
            "HOME": self.realm,
            "CDP_XML": str(run_dir / "cdp.xml"),
            "CX_RELAY": f"{authority(*relay)}={authority(*self.hss)}",
            "CX_SCRIPT": str(_HERE.parent / "kemi" / "cx.py"),
        }
        return Launch(
            name=name,
            cfg=_HERE / f"{role}.cfg",
            run_dir=run_dir,
            listen=(f"udp:{authority(self.host, port)}",),
            defines={**shared, **defines},
            # Transactions linger for 5 s: enough for several hundred REGISTERs a second.
            shm_mb=128,
        )


def make_scscf(
    site: Site,
    port: int,
    trusted: Iterable[Address],
    *,
    block: tuple[str, str] | None = None,
    record: bool,
) -> Kamailio:
    """Return an S-CSCF that believes *trusted* peers, and that may record what it receives.

    *block* is an expression for members of static ranges, and the URI where they are called.
    """
    tables = site.prepare("scscf")
    write_barred(tables, {})
    members, registrar = block or ("", "")
    defines: dict[str, Define] = {
        "SCSCF_NAME": f"sip:{authority(site.host, port)}",
        "SCSCF_CX_REALM": site.realm,
        "SCSCF_TRUSTED_PEERS": ",".join(f"{host}/{peer_port}" for host, peer_port in trusted),
        "SCSCF_BARRED_DB": f"text://{tables}",
        "RECORD_WIRE": record,
        "MEMBERS": members or False,
        "REGISTRAR": registrar,
    }
    return Kamailio(site.launch("scscf", "scscf", port, defines), cscf_is_ready)


def make_icscf(
    site: Site,
    number: int,
    port: int,
    scscf_uri: str,
    admitted: tuple[Iterable[str], Iterable[str]],
) -> Kamailio:
    """Return an I-CSCF that lets eP-CSCFs in by the *admitted* addresses and network names."""
    name = f"icscf{number}"
    tables = site.prepare(name)
    _write_tables(tables, site.realm, scscf_uri)
    edges, visited_networks = admitted
    defines: dict[str, Define] = {
        "ICSCF_TRUSTED_NODES": ",".join(edges),
        "ICSCF_VISITED_NETWORKS": ",".join(visited_networks),
        "TABLES": f"text://{tables}",
    }
    return Kamailio(site.launch("icscf", name, port, defines), cscf_is_ready)


def cscf_is_ready(kamailio: Kamailio) -> bool:
    """Tell whether it answers SIP and its Diameter is open."""
    proto, _, place = kamailio.launch.listen[0].partition(":")
    host, _, port = place.rpartition(":")
    address = host.strip("[]"), int(port)
    return proto == "udp" and answers_options(address) and hss_is_connected(kamailio)


def answers_options(address: Address, seconds: float = 0.1) -> bool:
    """Tell whether somebody answers OPTIONS over UDP with 200."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    number = next(_probes)
    with socket.socket(family, socket.SOCK_DGRAM) as prober:
        prober.settimeout(seconds)
        prober.connect(address)
        own = authority(*prober.getsockname()[:2])
        options = SipMessage.request(
            "OPTIONS",
            f"sip:{authority(*address)}",
            [
                ("Via", f"SIP/2.0/UDP {own};branch=z9hG4bKprobe{number}"),
                ("Max-Forwards", "1"),
                ("From", f"<sip:{own}>;tag=probe"),
                ("To", f"<sip:{authority(*address)}>"),
                ("Call-ID", f"probe{number}@{own}"),
                ("CSeq", f"{number} OPTIONS"),
            ],
        )
        try:
            prober.send(options.to_bytes())
            return SipMessage.parse(prober.recv(65535)).status == 200
        except OSError:
            return False


def authority(host: str, port: int) -> str:
    """Return host and port as in a URI."""
    return f"{in_uri(host)}:{port}"


def in_uri(host: str) -> str:
    """Return a host as in a URI: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def write_barred(directory: Path, barred: Mapping[str, str]) -> None:
    """Write whom the S-CSCF bars, with the reasons, as an operator would."""
    rows = (f"{_cell(entity)}:{_cell(reason)}\n" for entity, reason in barred.items())
    path = directory / "barred"
    # module db_text sees a change by the second in which it was made
    changed = int(time.time())
    if path.exists():
        changed = max(changed, int(path.stat().st_mtime) + 1)
    path.write_text(_NOBODY_BARRED.read_text() + "".join(rows))
    os.utime(path, (changed, changed))


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:")


def _write_tables(directory: Path, realm: str, scscf_uri: str) -> None:
    """Write what module ims_icscf reads from its database, as text tables of db_text."""
    uri = scscf_uri.replace(":", "\\:")
    tables = {
        "version": "table_name(str) table_version(int)\n"
        "nds_trusted_domains:1\ns_cscf:1\ns_cscf_capabilities:1\n",
        "nds_trusted_domains": f"trusted_domain(str)\n{realm}\n",
        "s_cscf": f"id(int) name(str) s_cscf_uri(str)\n1:scscf:{uri}\n",
        "s_cscf_capabilities": "id_s_cscf(int) capability(int)\n1:0\n1:1\n",
    }
    for name, text in tables.items():
        (directory / name).write_text(text)
