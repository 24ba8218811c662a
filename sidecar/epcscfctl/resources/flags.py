"""Flags: the fields of each kind that can be given on the command line.

A flag names a field by its path; what may stand there follows from the contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from epcscfctl.kinds import (
    ENTITY,
    HOME_DOMAIN,
    SUBSCRIPTION,
    WAF_ACCOUNT,
    WAF_CLIENT,
    WAF_USER,
    WWSF,
)
from epcscfctl.names import names_in


if TYPE_CHECKING:
    from epcscfctl.kinds import Kind


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag."""

    name: str
    path: str
    help: str

    @property
    def parameter(self) -> str:
        """Name under which click hands the value over."""
        return self.name.replace("-", "_")


READ_HERE = {"keys.pem_file": "keys.pem", "jwks_file": "jwks"}
"Fields that name a file here, and the field that its content is sent in."

DISPLAY_NAME = Flag("display-name", "display_name", "What a person calls it.")

FLAGS: dict[str, tuple[Flag, ...]] = {
    HOME_DOMAIN.group: (
        DISPLAY_NAME,
        Flag("realm", "realm", "Realm of challenges. [default: the domain]"),
        Flag(
            "visited-network-id",
            "visited_network_id",
            "Value of P-Visited-Network-ID. [default: the domain]",
        ),
        Flag("next-hop-set", "next_hop_set", "Dispatcher set of the I-CSCFs. [default: 1]"),
    ),
    ENTITY.group: (
        DISPLAY_NAME,
        Flag("issuer", "issuer", "`iss` of its tokens, an https URL."),
        Flag("location", "location", "Who controls its WWSFs."),
        Flag("entity-id", "entity_id", "Name that the core knows it by."),
        Flag("jwks-url", "keys.jwks_url", "Where its keys are: https URL of a JWKS."),
        Flag("jwks-file", "keys.jwks_file", "Where its keys are: JWKS file beside epcscfd."),
        Flag("pem-file", "keys.pem_file", "Its public keys, in PEM; read here."),
        Flag("introspection-url", "introspection.url", "Where it is asked about tokens."),
        Flag("introspection-client-id", "introspection.client_id", "What it calls us."),
        Flag(
            "introspection-authentication",
            "introspection.authentication",
            "How we prove who asks. [default: client-secret-basic]",
        ),
        Flag(
            "introspection-credential",
            "introspection.credential",
            "Name of our secret, key or certificate beside epcscfd.",
        ),
        Flag("introspection-ttl", "introspection.ttl_seconds", "Life of an answer, in seconds."),
        Flag("algorithm", "algorithms", "JWS algorithm that it signs with. Repeatable."),
        Flag("token-type", "token_types", "`typ` of its tokens. Repeatable."),
        Flag("audience", "audience", "`aud` of its tokens. [default: that of the sidecar]"),
        Flag("scope", "scope", "Scope that its tokens must contain."),
        Flag("claim-impi", "claim_names.impi", "Claim with the IMPI. [default: ims_impi]"),
        Flag("claim-impu", "claim_names.impu", "Claim with the IMPUs. [default: ims_impu]"),
        Flag("claim-wwsf", "claim_names.wwsf", "Claim with the WWSF. [default: client_id]"),
        Flag("claim-scope", "claim_names.scope", "Claim with the scope. [default: scope]"),
        Flag("max-life", "max_life_seconds", "Longest life of a token, in seconds."),
        Flag("one-time-tokens", "one_time_tokens", "Whether a token may be used once only."),
        Flag("state", "state", "`barred` refuses every token of it, at once."),
    ),
    WWSF.group: (
        DISPLAY_NAME,
        Flag("client-id", "client_id", "What tokens call it. [default: the id]"),
        Flag("origin", "origins", "Origin of its pages: https://shop.example. Repeatable."),
        Flag(
            "client-certificate",
            "client_certificates",
            "SHA-256 of the certificate of its native clients. Repeatable.",
        ),
        Flag("entity", "authorization_entities", "Entity that may vouch for it. Repeatable."),
        Flag("pool-impi", "pool.impis", "IMPI of its pool. Repeatable."),
        Flag("pool-realm", "pool.impi_realms", "Realm whose IMPIs are its pool. Repeatable."),
        Flag("block-pilot", "block.pilot", "Identity that stands for its block: a sip: URI."),
        Flag("block-impi", "block.impi", "User name of its web server, which is an IMPI."),
        Flag("block-mode", "block.mode", "Who asks its web server for a password."),
        Flag(
            "block-certificate",
            "block.client_certificates",
            "SHA-256 of the certificate of its web server. Repeatable.",
        ),
        Flag(
            "block-address",
            "block.addresses",
            "Address or network of its web server. Repeatable.",
        ),
        Flag("credentials", "credentials", "How its users may authenticate. [default: token]"),
        Flag(
            "max-registrations",
            "quota.max_registrations",
            "Connections with a registration, at each edge. [default: no limit]",
        ),
        Flag(
            "max-first-sights",
            "quota.max_first_sights",
            "First sights in ten seconds, at each edge. [default: the limit of the edge]",
        ),
        Flag(
            "token-in-every-request",
            "token_in_every_request",
            "Whether not REGISTER alone has to show the token.",
        ),
        Flag("proof-required", "proof_required", "Whether its users must be proven its own."),
        Flag("state", "state", "`suspended` refuses every client of it, at once."),
    ),
    SUBSCRIPTION.group: (
        DISPLAY_NAME,
        Flag("impu", "impus", "Public user identity. Repeatable."),
        Flag("wwsf", "wwsfs", "WWSF that the subscriber has admitted. Repeatable."),
    ),
    WAF_CLIENT.group: (
        DISPLAY_NAME,
        Flag("authentication", "authentication", "How it proves itself. [default: client-secret]"),
        Flag("grant-type", "grant_types", "How it may ask for tokens. Repeatable."),
        Flag("redirect-uri", "redirect_uris", "Where users are sent back to. Repeatable."),
        Flag("jwks-file", "jwks_file", "Its public keys, a JWKS; read here."),
        Flag("certificate", "certificates", "SHA-256 of its TLS certificate. Repeatable."),
        Flag("anonymous", "anonymous", "Whether it may serve users that nobody has logged in."),
        Flag("introspects", "introspects", "Whether it may ask about every token: an eP-CSCF."),
        Flag("token-format", "token_format", "What its tokens look like. [default: jwt]"),
        Flag("token-life", "token_life_seconds", "Life of its tokens, in seconds. [default: 600]"),
    ),
    WAF_ACCOUNT.group: (
        DISPLAY_NAME,
        Flag("impu", "impus", "Public user identity. Repeatable."),
    ),
    WAF_USER.group: (
        DISPLAY_NAME,
        Flag("account", "account", "IMPI that the user maps to."),
        Flag("state", "state", "`locked` lets the user in no more."),
    ),
}


def options(kind: Kind) -> list[click.Option]:
    """Make the options of *kind*."""
    return [_option(kind, flag) for flag in FLAGS[kind.group]]


def _option(kind: Kind, flag: Flag) -> click.Option:
    field = _descriptor(kind, flag.path)
    names = [f"--{flag.name}", flag.parameter]
    offer = names_in(kind.references.get(flag.path, ""))
    if field is None:
        return click.Option(names, help=flag.help)
    if field.enum_type is not None:
        names_of = (value.name for value in field.enum_type.values if value.number)
        choices = [name.lower().replace("_", "-") for name in names_of]
        choice = click.Choice(choices, case_sensitive=False)
        return click.Option(names, help=flag.help, type=choice, multiple=field.is_repeated)
    if field.type == field.TYPE_BOOL:
        names[0] = f"--{flag.name}/--no-{flag.name}"
        return click.Option(names, help=flag.help, default=None)
    if field.is_repeated:
        return click.Option(names, help=flag.help, multiple=True, shell_complete=offer)
    if field.type == field.TYPE_UINT32:
        return click.Option(names, help=flag.help, type=click.IntRange(0, 2**32 - 1))
    return click.Option(names, help=flag.help, shell_complete=offer)


def _descriptor(kind: Kind, path: str) -> Any:
    """Give the descriptor of the field at *path*; none for what is a field here only."""
    message = kind.message.DESCRIPTOR
    *outer, last = path.split(".")
    for name in outer:
        message = message.fields_by_name[name].message_type
    return message.fields_by_name.get(last)


def given(kind: Kind, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take the fields out of *parameters* that were given, by path."""
    values = {flag.path: parameters[flag.parameter] for flag in FLAGS[kind.group]}
    return {path: value for path, value in values.items() if value not in (None, ())}


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Turn `{"pool.impis": …}` into `{"pool": {"impis": …}}`."""
    fields: dict[str, Any] = {}
    for path, value in flat.items():
        *outer, last = path.split(".")
        inner = fields
        for name in outer:
            inner = inner.setdefault(name, {})
        inner[last] = list(value) if isinstance(value, tuple) else value
    return fields
