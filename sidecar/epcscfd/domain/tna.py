"""Trusted node authentication (TS 33.203 annex U): what the core is told in a REGISTER.

The user has been authenticated, so there is no challenge to come and no response to give;
`integrity-protected="auth-done"` says so, and is nobody's to choose.
"""

from __future__ import annotations

from epcscfd.domain.header import quoted
from epcscfd.domain.identity import Impi
from epcscfd.domain.policy import HomeDomain


AUTH_DONE = "auth-done"
"TS 24.229 7.2A.2: the sender is trusted and has already authenticated."


def request_uri(domain: HomeDomain) -> str:
    """Give the Request-URI of a REGISTER for *domain*."""
    return f"sip:{domain.domain}"


def tna_authorization(impi: Impi, domain: HomeDomain, entity_id: str | None) -> str:
    """Give the value of the one Authorization header.

    *entity_id* is who the S-CSCF shall check; None: there is nothing for it to check.
    """
    # TS 33.203 X.3.2.3 step 5: the user's IMPI, the flag, an empty response.
    parts = [
        f"username={quoted(str(impi))}",
        f"realm={quoted(domain.realm)}",
        'nonce=""',
        f"uri={quoted(request_uri(domain))}",
        'response=""',
        f"integrity-protected={quoted(AUTH_DONE)}",
    ]
    # TS 33.203 X.3.2.3 step 5.2, in the form of draft-holmberg-sipcore-auth-id-01.
    if entity_id is not None:
        parts.append(f"authorization-entity={quoted(entity_id)}")
    # `algorithm` is not needed: nothing has been computed.
    return "Digest " + ", ".join(parts)


def visited_network_id(domain: HomeDomain) -> str:
    """Give the value of P-Visited-Network-ID (RFC 7315 4.3)."""
    # TS 33.203 U.1: by this the I-CSCF tells whether the registering node is to be trusted.
    return quoted(domain.visited_network_id)


def charging_parameters(domain: HomeDomain, node_host: str) -> str:
    """Give the parameters of P-Charging-Vector that follow the icid-value (RFC 7315 4.6)."""
    # TS 24.229 4.5: the inter-operator identifier between home network and P-CSCF is of type 1.
    originating = quoted(f"Type 1{domain.domain}")
    return f"icid-generated-at={node_host};orig-ioi={originating}"
