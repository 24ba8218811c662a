"""Replies: what each reason says to the WIC, to its WebSocket, and to the operator.

The table is total, and nothing else decides this. What the WIC is told says no more than
its status does; the advice says what it takes to be let through.

Which refusals close the WebSocket: TS 33.203 X.3.2.3 step 4 closes on every one; RFC 8898
2.1.1 wants the WIC to come back with a better token. Those that a new token cures leave it
open, unless the operator is strict.
"""

from __future__ import annotations

import enum

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from epcscfd.domain.reasons import Connection, Reason


class Challenge(enum.StrEnum):
    """Which challenge goes with a refusal; the value is its `error` (RFC 8898 4.1)."""

    NONE = "none"
    PLAIN = ""
    "Without `error`: nothing was shown that could be wrong (RFC 6750 3.1)."
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - not a secret
    INVALID_SCOPE = "invalid_scope"


class Lasting(enum.StrEnum):
    """Whether an equal request would be refused again for a while."""

    KEPT = "kept"
    "It follows from the request and the policy alone."
    PASSING = "passing"
    "It also hangs on a clock, on somebody's server, or on how busy we are."


@dataclass(frozen=True, slots=True)
class Answer:
    """What the WIC gets."""

    status: int
    phrase: str
    challenge: Challenge
    connection: Connection


@dataclass(frozen=True, slots=True)
class SipReply:
    """How a reason is told."""

    answer: Answer
    lasting: Lasting
    advice: str
    "What it takes to be let through, for the operator."


_ASK = Answer(401, "Unauthorized", Challenge.PLAIN, Connection.KEEP)
_ILLEGIBLE = Answer(400, "Bad Request", Challenge.NONE, Connection.CLOSE)
_BAD_TOKEN = Answer(401, "Unauthorized", Challenge.INVALID_TOKEN, Connection.CLOSE)
_OLD_TOKEN = Answer(401, "Unauthorized", Challenge.INVALID_TOKEN, Connection.KEEP_IF_REGISTERED)
_BAD_SCOPE = Answer(401, "Unauthorized", Challenge.INVALID_SCOPE, Connection.CLOSE)
_FORBIDDEN = Answer(403, "Forbidden", Challenge.NONE, Connection.CLOSE)
_NO_ANSWER = Answer(504, "Server Time-out", Challenge.NONE, Connection.KEEP)
_OUR_FAULT = Answer(500, "Server Internal Error", Challenge.NONE, Connection.KEEP)
_BUSY = Answer(503, "Service Unavailable", Challenge.NONE, Connection.KEEP)

_KEPT, _PASSING = Lasting.KEPT, Lasting.PASSING

REPLIES: Mapping[Reason, SipReply] = MappingProxyType(
    {
        # F1: nothing was shown.
        Reason.CREDENTIALS_MISSING: SipReply(
            _ASK, _KEPT, "The WIC must send its token in `Authorization: Bearer`."
        ),
        Reason.CREDENTIALS_OTHER_SCHEME: SipReply(
            _ASK, _KEPT, "This door takes web tokens; Digest is judged by the core, not here."
        ),
        # F2: nobody can tell what was shown.
        Reason.CREDENTIALS_MALFORMED: SipReply(
            _ILLEGIBLE,
            _KEPT,
            'Authorization must be `Bearer <token>` or `Bearer access_token="<token>"`, once.',
        ),
        Reason.CREDENTIALS_TOO_LONG: SipReply(
            _ILLEGIBLE, _KEPT, "Have the issuer put less into its tokens: 16 KiB is the limit."
        ),
        Reason.TO_MALFORMED: SipReply(
            _ILLEGIBLE, _KEPT, "To must be a `sip:` URI with a user, or a global `tel:` number."
        ),
        # F3: it is no token that could be honoured.
        Reason.TOKEN_MALFORMED: SipReply(
            _BAD_TOKEN, _KEPT, "The token must be a signed JWT in compact form (RFC 7515)."
        ),
        Reason.TOKEN_HEADER_REFUSED: SipReply(
            _BAD_TOKEN,
            _KEPT,
            "Its header names or brings its own key, or a critical extension: suspect an attack.",
        ),
        Reason.TOKEN_TYPE_REFUSED: SipReply(
            _BAD_TOKEN,
            _KEPT,
            "Its `typ` is none of the entity's token types; the WIC may have sent an ID token.",
        ),
        Reason.ALGORITHM_REFUSED: SipReply(
            _BAD_TOKEN, _KEPT, "Its `alg` is none of the entity's algorithms."
        ),
        Reason.KEY_UNKNOWN: SipReply(
            _BAD_TOKEN, _PASSING, "Its `kid` names no key of the entity: compare with its JWKS."
        ),
        Reason.SIGNATURE_INVALID: SipReply(
            _BAD_TOKEN, _KEPT, "It was not signed with the key it names, or changed since."
        ),
        Reason.TOKEN_INACTIVE: SipReply(
            _BAD_TOKEN, _PASSING, "The entity says that the token is not, or no longer, good."
        ),
        Reason.CLAIMS_MALFORMED: SipReply(
            _BAD_TOKEN, _KEPT, "A required claim is missing or of the wrong type."
        ),
        Reason.LIFE_TOO_LONG: SipReply(
            _BAD_TOKEN, _KEPT, "`exp` minus `iat` is more than the entity's longest life."
        ),
        Reason.BINDING_UNKNOWN: SipReply(
            _BAD_TOKEN, _KEPT, "`cnf` asks for a proof that SIP cannot carry, such as DPoP."
        ),
        Reason.BINDING_MISMATCH: SipReply(
            _BAD_TOKEN,
            _PASSING,
            "The token is bound to a client certificate that the connection does not have.",
        ),
        Reason.TOKEN_REVOKED: SipReply(
            _BAD_TOKEN,
            _KEPT,
            "The token was revoked: the WIC must fetch a new one; see `epcscfctl revocations`.",
        ),
        # F4
        Reason.TOKEN_EXPIRED: SipReply(
            _OLD_TOKEN, _PASSING, "The WIC must fetch a new token; if it just did, compare clocks."
        ),
        # F5
        Reason.TOKEN_NOT_YET_VALID: SipReply(
            _BAD_TOKEN, _PASSING, "`nbf` or `iat` is in the future: compare clocks."
        ),
        # F6: somebody else's token, or one for somebody else.
        Reason.ENTITY_UNKNOWN: SipReply(
            _BAD_TOKEN, _KEPT, "No authorization entity has this `iss`, to the letter: create it."
        ),
        Reason.ENTITY_AMBIGUOUS: SipReply(
            _BAD_TOKEN, _KEPT, "Leave the WWSF one entity that is asked about opaque tokens."
        ),
        Reason.AUDIENCE_MISMATCH: SipReply(
            _BAD_TOKEN, _KEPT, "`aud` lacks this eP-CSCF: set it at the issuer, or at the entity."
        ),
        # F7
        Reason.SCOPE_INSUFFICIENT: SipReply(
            _BAD_SCOPE, _KEPT, "`scope` lacks what the entity must grant for access to IMS."
        ),
        # F8
        Reason.IDENTITY_NOT_ASSERTED: SipReply(
            _FORBIDDEN, _KEPT, "The IMPU in To must be one of those in the token."
        ),
        # F9
        Reason.IMPI_MISSING: SipReply(
            _FORBIDDEN, _KEPT, "The token names no IMPI: check the entity's claim names."
        ),
        Reason.IMPU_MISSING: SipReply(
            _FORBIDDEN, _KEPT, "The token names no IMPU: check the entity's claim names."
        ),
        Reason.IDENTITY_MALFORMED: SipReply(
            _FORBIDDEN, _KEPT, "The token names an IMPI or IMPU that is none: tell the issuer."
        ),
        # F10: this WWSF, or whoever vouches, may not do so here.
        Reason.WWSF_UNKNOWN: SipReply(
            _FORBIDDEN,
            _KEPT,
            "The WWSF of the connection has been deleted: let the WIC reconnect.",
        ),
        Reason.WWSF_MISMATCH: SipReply(
            _FORBIDDEN,
            _KEPT,
            "The token was issued to another WWSF than the one whose page opened the connection.",
        ),
        Reason.ENTITY_NOT_ALLOWED: SipReply(
            _FORBIDDEN, _KEPT, "Add the entity to the WWSF's authorization entities, if it may."
        ),
        Reason.ENTITY_UNNAMED: SipReply(
            _FORBIDDEN, _KEPT, "Give the third-party entity the entity id that the S-CSCF knows."
        ),
        Reason.TOKENS_NOT_TAKEN: SipReply(
            _FORBIDDEN, _KEPT, "The WWSF's users authenticate in the core: see its credentials."
        ),
        # F11
        Reason.WWSF_SUSPENDED: SipReply(
            _FORBIDDEN, _KEPT, "The WWSF is suspended; set its state to ACTIVE when it may return."
        ),
        Reason.ENTITY_BARRED: SipReply(
            _FORBIDDEN, _KEPT, "The entity is barred; set its state to ACTIVE when it may return."
        ),
        # F12: not this WWSF's to hand out.
        Reason.IMPI_WILDCARDED: SipReply(
            _FORBIDDEN, _KEPT, "An IMPI is always one user's; the token carries a pattern."
        ),
        Reason.IDENTITY_NOT_OWNED: SipReply(
            _FORBIDDEN,
            _KEPT,
            "The identity is another WWSF's or subscriber's: see `epcscfctl wwsf check`.",
        ),
        Reason.IDENTITY_OUTSIDE_RANGES: SipReply(
            _FORBIDDEN, _KEPT, "The IMPU lies in none of the WWSF's ranges: add one, if it may."
        ),
        Reason.IMPI_OUTSIDE_POOL: SipReply(
            _FORBIDDEN,
            _KEPT,
            "The IMPU lies in a range of the WWSF, but the IMPI is not of its pool: tell them.",
        ),
        Reason.IDENTITY_CONTESTED: SipReply(
            _FORBIDDEN, _KEPT, "Pools or ranges of two WWSFs claim the identity: change one."
        ),
        Reason.IDENTITY_UNPROVEN: SipReply(
            _FORBIDDEN,
            _KEPT,
            "The WWSF needs proof: put the IMPI into its pool or create a subscription.",
        ),
        # S001-27: a range that is known, and not in use.
        Reason.RANGE_NOT_ENABLED: SipReply(
            _FORBIDDEN, _KEPT, "The range is not enabled; enable it once the core has it."
        ),
        # S002-33: the web server may register it the next moment.
        Reason.BLOCK_NOT_REGISTERED: SipReply(
            _FORBIDDEN,
            _PASSING,
            "The web server has not registered the block of the IMPU: see `epcscfctl block list`.",
        ),
        # F13
        Reason.DOMAIN_NOT_SERVED: SipReply(
            _FORBIDDEN, _KEPT, "The domain of the IMPU is no home domain: create it, if it is."
        ),
        # F14
        Reason.KEYS_UNREACHABLE: SipReply(
            _NO_ANSWER, _PASSING, "The keys of the entity cannot be fetched: see its key source."
        ),
        Reason.INTROSPECTION_UNREACHABLE: SipReply(
            _NO_ANSWER, _PASSING, "The entity did not answer about the token: see its server."
        ),
        # F16
        Reason.INTROSPECTION_REFUSED: SipReply(
            _OUR_FAULT,
            _PASSING,
            "The entity refuses us, not the token: check client id, credential and certificate.",
        ),
        # F15
        Reason.OVERLOADED: SipReply(
            _BUSY, _PASSING, "There is no room to track more one-time tokens: shorten their lives."
        ),
        # F17
        Reason.TOKEN_REPLAYED: SipReply(
            _BAD_TOKEN, _PASSING, "A one-time token came twice: the WIC must fetch one each time."
        ),
    }
)
"""Every reason has its reply; none is a 2xx."""
