"""Reasons: why a REGISTER is refused. How each is told is in `replies`."""

# ruff: noqa: S105 - these tokens are names of reasons

from __future__ import annotations

import enum


class Reason(enum.StrEnum):
    """Why a request was refused. Closed set: also a metric label and a log field."""

    CREDENTIALS_MISSING = "credentials_missing"
    CREDENTIALS_OTHER_SCHEME = "credentials_other_scheme"
    CREDENTIALS_MALFORMED = "credentials_malformed"
    CREDENTIALS_TOO_LONG = "credentials_too_long"
    TOKEN_MALFORMED = "token_malformed"
    TOKEN_HEADER_REFUSED = "token_header_refused"
    TOKEN_TYPE_REFUSED = "token_type_refused"
    ALGORITHM_REFUSED = "algorithm_refused"
    KEY_UNKNOWN = "key_unknown"
    SIGNATURE_INVALID = "signature_invalid"
    CLAIMS_MALFORMED = "claims_malformed"
    LIFE_TOO_LONG = "life_too_long"
    BINDING_UNKNOWN = "binding_unknown"
    BINDING_MISMATCH = "binding_mismatch"
    TOKEN_REVOKED = "token_revoked"
    TOKEN_INACTIVE = "token_inactive"
    TOKEN_EXPIRED = "token_expired"
    TOKEN_NOT_YET_VALID = "token_not_yet_valid"
    ENTITY_UNKNOWN = "entity_unknown"
    ENTITY_AMBIGUOUS = "entity_ambiguous"
    AUDIENCE_MISMATCH = "audience_mismatch"
    SCOPE_INSUFFICIENT = "scope_insufficient"
    TO_MALFORMED = "to_malformed"
    IDENTITY_NOT_ASSERTED = "identity_not_asserted"
    IMPI_MISSING = "impi_missing"
    IMPU_MISSING = "impu_missing"
    IDENTITY_MALFORMED = "identity_malformed"
    WWSF_UNKNOWN = "wwsf_unknown"
    WWSF_MISMATCH = "wwsf_mismatch"
    ENTITY_NOT_ALLOWED = "entity_not_allowed"
    ENTITY_UNNAMED = "entity_unnamed"
    TOKENS_NOT_TAKEN = "tokens_not_taken"
    WWSF_SUSPENDED = "wwsf_suspended"
    ENTITY_BARRED = "entity_barred"
    IMPI_WILDCARDED = "impi_wildcarded"
    IDENTITY_NOT_OWNED = "identity_not_owned"
    IDENTITY_OUTSIDE_RANGES = "identity_outside_ranges"
    IMPI_OUTSIDE_POOL = "impi_outside_pool"
    IDENTITY_CONTESTED = "identity_contested"
    IDENTITY_UNPROVEN = "identity_unproven"
    RANGE_NOT_ENABLED = "range_not_enabled"
    BLOCK_NOT_REGISTERED = "block_not_registered"
    DOMAIN_NOT_SERVED = "domain_not_served"
    KEYS_UNREACHABLE = "keys_unreachable"
    INTROSPECTION_UNREACHABLE = "introspection_unreachable"
    INTROSPECTION_REFUSED = "introspection_refused"
    OVERLOADED = "overloaded"
    TOKEN_REPLAYED = "token_replayed"


class Connection(enum.StrEnum):
    """What becomes of the WebSocket once the refusal has been sent."""

    KEEP = "keep"
    CLOSE = "close"
    KEEP_IF_REGISTERED = "keep_if_registered"
    "Stays if something is registered on it, else closed."
