"""What a NOTIFY of the event package reg says (RFC 3680, TS 24.229 5.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET


if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "{urn:ietf:params:xml:ns:reginfo}"
WILDCARDED = "{urn:3gpp:ns:extRegInfo:1.0}wildcardedIdentity"
OF_THE_CLIENT = {"expired", "unregistered"}
"Events of a contact that follow from what the client did, and may be late."


class NotReginfoError(ValueError):
    """The body is no registration information."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A contact of an identity, or with None all of them, is not registered any more."""

    impu: str
    contact: str | None
    by_client: bool
    "Whether the client let it end, as far as the core knows."


def gone(body: bytes) -> list[Gone]:
    """Read what has ended. Raise NotReginfoError."""
    return [each for one in _registrations(_read(body)) for each in _gone_of(one)]


def wildcards(body: bytes) -> tuple[set[str], list[str]]:
    """Read which identities are active, and which ranges (TS 24.229 5.4.2.1.2).

    Of a document that tells what has changed only, none. Raise NotReginfoError.
    """
    root = _read(body)
    if root.get("state") != "full":
        return set(), []
    active = [one for one in _registrations(root) if one.get("state") == "active"]
    ranges = [(one.findtext(WILDCARDED) or "").strip() for one in active]
    return {canonical(one.get("aor", "")) for one in active}, [each for each in ranges if each]


def _registrations(root: ET.Element) -> Iterator[ET.Element]:
    return root.iter(f"{NAMESPACE}registration")


def _read(body: bytes) -> ET.Element:
    if b"<!" in body:
        # entities: nobody needs them here, and they can grow without end
        raise NotReginfoError("declaration")
    try:
        root = ET.fromstring(body)  # noqa: S314 - of the core, and without entities
    except ET.ParseError as error:
        raise NotReginfoError(f"no XML at {error.position}") from None
    if root.tag != f"{NAMESPACE}reginfo":
        raise NotReginfoError("no reginfo")
    return root


def _gone_of(registration: ET.Element) -> Iterator[Gone]:
    impu = canonical(registration.get("aor", ""))
    contacts = registration.findall(f"{NAMESPACE}contact")
    if registration.get("state") == "terminated" and not contacts:
        yield Gone(impu, None, by_client=False)
    for contact in contacts:
        if contact.get("state") != "terminated":
            continue
        uri = (contact.findtext(f"{NAMESPACE}uri") or "").strip()
        yield Gone(impu, uri, by_client=contact.get("event") in OF_THE_CLIENT)


def canonical(uri: str) -> str:
    """Write a SIP URI as identities are written: without parameters, its host in lower case."""
    scheme, _, rest = uri.strip().partition(":")
    user, at, host = rest.partition(";")[0].rpartition("@")
    return f"{scheme.lower()}:{user}{at}{host.lower()}"
