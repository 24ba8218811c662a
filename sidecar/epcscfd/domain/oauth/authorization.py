"""Authorization requests (RFC 6749 4.1.1): what is asked of a user, and where errors go.

* Who has an unknown client or a redirect URI that is not registered is told so on a page of ours:
  a redirect would make us an open redirector (RFC 6749 4.1.2.1).
* All other errors go back to the client, with its `state`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from epcscfd.domain.oauth.client import GrantType, WafClient
from epcscfd.domain.oauth.pkce import METHOD, is_challenge
from epcscfd.domain.oauth.refusals import OAuthError, Refusal
from epcscfd.domain.oauth.rules import WafRules
from epcscfd.domain.policy import Wwsf, WwsfState


LONGEST_STATE = 1024
"Characters; some clients keep a whole page address in it."


@dataclass(frozen=True, slots=True)
class Ask:
    """A good request: the user is to be asked."""

    wwsf: Wwsf
    client: WafClient
    redirect_uri: str
    "Where the answer goes."
    redirect_uri_said: str
    "As the request said; empty if it left it out, since the client has but one."
    scope: str
    state: str | None
    challenge: str


@dataclass(frozen=True, slots=True)
class SendBack:
    """An error that the client is told by redirect."""

    redirect_uri: str
    state: str | None
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class ShowPage:
    """An error that only the user is told."""

    why: str


Reading = Ask | SendBack | ShowPage


def read_authorization_request(
    parameters: Mapping[str, str],
    known: tuple[Wwsf, WafClient] | None,
    rules: WafRules,
    repeated: frozenset[str] = frozenset(),
) -> Reading:
    """Read *parameters*; *known* is the WWSF that `client_id` names, and its client record.

    Whatever came more than once is not among *parameters* but named in *repeated*.
    """
    if known is None:
        return ShowPage("unknown client_id")
    wwsf, client = known
    if "redirect_uri" in repeated:
        return ShowPage("redirect_uri comes twice")
    said = parameters.get("redirect_uri", "")
    redirect_uri = said or _only(client.redirect_uris)
    if redirect_uri not in client.redirect_uris:
        return ShowPage("redirect_uri is not registered")
    state = parameters.get("state")
    refusal = _refusal(parameters, repeated, wwsf, client)
    if refusal is not None:
        # What cannot be sent back as it came is not sent back.
        kept = state if state is not None and _is_state(state) else None
        return SendBack(redirect_uri, kept, refusal)
    scope = rules.granted(parameters)
    if isinstance(scope, Refusal):
        return SendBack(redirect_uri, state, scope)
    challenge = parameters["code_challenge"]
    return Ask(wwsf, client, redirect_uri, said, scope, state, challenge)


def _refusal(
    parameters: Mapping[str, str], repeated: frozenset[str], wwsf: Wwsf, client: WafClient
) -> Refusal | None:
    """Say what is wrong, in the order in which a developer wants to hear it."""
    response_type = parameters.get("response_type")
    checks = (
        # RFC 6749 3.1, 4.1.2.1.
        (bool(repeated), OAuthError.INVALID_REQUEST, "a parameter comes twice"),
        (response_type is None, OAuthError.INVALID_REQUEST, "no response_type"),
        (response_type != "code", OAuthError.UNSUPPORTED_RESPONSE_TYPE, "not code"),
        (not _is_state(parameters.get("state", "")), OAuthError.INVALID_REQUEST, "state"),
        (
            wwsf.state is WwsfState.SUSPENDED,
            OAuthError.UNAUTHORIZED_CLIENT,
            "the wwsf is suspended",
        ),
        (
            not client.may_use(GrantType.AUTHORIZATION_CODE),
            OAuthError.UNAUTHORIZED_CLIENT,
            "not its grant type",
        ),
    )
    wrong = next((Refusal(error, why) for wrong, error, why in checks if wrong), None)
    return wrong or _unproven(parameters)


def _unproven(parameters: Mapping[str, str]) -> Refusal | None:
    # RFC 9700 2.1.1 asks for a challenge of every client.
    method, challenge = (
        parameters.get(name, "") for name in ("code_challenge_method", "code_challenge")
    )
    if method == METHOD and is_challenge(challenge):
        return None
    # RFC 7636 4.4.1: the client is told what is missing or not served.
    why = f"a code_challenge of method {METHOD} is needed"
    return Refusal(OAuthError.INVALID_REQUEST, why, why)


def _only(uris: frozenset[str]) -> str:
    return next(iter(uris)) if len(uris) == 1 else ""


def _is_state(state: str) -> bool:
    # RFC 6749 appendix A.5: visible ASCII and space.
    return len(state) <= LONGEST_STATE and all(" " <= each <= "~" for each in state)


def answer_uri(redirect_uri: str, state: str | None, issuer: str, **answer: str) -> str:
    """Give the address to which the user is sent back with *answer*."""
    # RFC 9207: `iss`, so that a client of several WAFs knows which one answers.
    parameters = {**answer, **({} if state is None else {"state": state}), "iss": issuer}
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return f"{redirect_uri}{separator}{urlencode(parameters)}"
