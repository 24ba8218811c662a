"""The user profile that an S-CSCF downloads (TS 29.228 annex B and E)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from lab.subscribers import Subscription


def profile_xml(subscription: Subscription) -> bytes:
    """Return the IMSSubscription document: one service profile, hence one implicit set.

    Kamailio's parser dereferences the root element without looking whether there is one, so
    nothing but such a document may go into User-Data.
    """
    root = ET.Element("IMSSubscription")
    ET.SubElement(root, "PrivateID").text = subscription.impi
    service_profile = ET.SubElement(root, "ServiceProfile")
    for impu in subscription.impus:
        identity = ET.SubElement(service_profile, "PublicIdentity")
        if impu in subscription.barred:
            ET.SubElement(identity, "BarringIndication").text = "1"
        ET.SubElement(identity, "Identity").text = impu
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document
