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
    for wildcard in subscription.ranges:
        _add_range(service_profile, wildcard)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _add_range(service_profile: ET.Element, wildcard: str) -> None:
    """Add a wildcarded public identity (annex E: IdentityType 3).

    Kamailio knows an identity by its text, reads no further than IdentityType, and names in
    P-Associated-URI whatever is not barred. There a wildcarded identity must not stand (TS 24.229
    5.4.1.2.2F), and for calls it does not look whether one is barred.
    """
    identity = ET.SubElement(service_profile, "PublicIdentity")
    ET.SubElement(identity, "BarringIndication").text = "1"
    ET.SubElement(identity, "Identity").text = wildcard
    extension = ET.SubElement(identity, "Extension")
    ET.SubElement(extension, "IdentityType").text = "3"
    inner = ET.SubElement(extension, "Extension")
    ET.SubElement(inner, "WildcardedIMPU").text = wildcard
