"""The Diameter stack in a Kamailio (module cdp): its configuration, and whether it is up."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from lab.cx import CX
from lab.diameter import VENDOR_3GPP, Identity
from lab.kamailio import Kamailio


FIFOS = Path("/tmp")
"Where the stack makes its FIFOs, `cdp_send_<process>_<n>_<time>`."


def cdp_xml(own: Identity, hss_host: str, hss_port: int) -> str:
    """Return the configuration of a stack that connects to one HSS.

    The peer is named by its address, which keeps the resolver out; the name in its
    Origin-Host need not be the same.
    """
    root = ET.Element(
        "DiameterPeer",
        {
            "FQDN": own.host,
            "Realm": own.realm,
            "Vendor_Id": str(VENDOR_3GPP),
            "Product_Name": "lab",
            "AcceptUnknownPeers": "0",
            "DropUnknownOnDisconnect": "1",
            # seconds to the next try, and between watchdogs: a busy machine answers late
            "Tc": "3",
            "Workers": "2",
            "QueueLength": "64",
            "ConnectTimeout": "2",
            "TransactionTimeout": "2",
            "SessionsHashSize": "128",
            "DefaultAuthSessionTimeout": "3600",
            "MaxAuthSessionTimeout": "3600",
        },
    )
    ET.SubElement(root, "Peer", {"FQDN": hss_host, "Realm": own.realm, "port": str(hss_port)})
    ET.SubElement(root, "Auth", {"id": str(CX), "vendor": str(VENDOR_3GPP)})
    ET.SubElement(root, "SupportedVendor", {"vendor": str(VENDOR_3GPP)})
    ET.SubElement(root, "DefaultRoute", {"FQDN": hss_host, "metric": "10"})
    return ET.tostring(root, encoding="unicode", xml_declaration=False)


def hss_is_connected(kamailio: Kamailio) -> bool:
    """Tell whether capabilities have been exchanged with the HSS."""
    peers = kamailio.rpc("cdp.list_peers")
    return "I_Open" in str(peers)


def sweep_fifos(directory: Path = FIFOS) -> None:
    """Remove the FIFOs of processes that are gone: the stack leaves them behind."""
    for fifo in directory.glob("cdp_send_*"):
        process = fifo.name.split("_")[2]
        if not Path("/proc", process).exists():
            fifo.unlink(missing_ok=True)
