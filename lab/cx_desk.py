"""What the HSS decides (TS 29.228 6.1 to 6.3), without any Diameter connection.

Who is registered where is kept here: by IMPI, the name of the S-CSCF. Steps of the
procedures that only matter between several S-CSCFs, or for emergency registration, are left
out.
"""

from __future__ import annotations

import re
import threading

from collections.abc import Iterable

from lab.cx import (
    AUTH_SCHEME_NOT_SUPPORTED,
    AUTHORIZATION_REJECTED,
    FIRST_REGISTRATION,
    IDENTITIES_DONT_MATCH,
    IDENTITY_NOT_REGISTERED,
    IN_ASSIGNMENT_TYPE,
    PUBLIC_IDENTITY,
    REFUSED,
    ROAMING_NOT_ALLOWED,
    SERVER_NAME,
    SUBSEQUENT_REGISTRATION,
    SUCCESS,
    USER_DATA,
    USER_UNKNOWN,
    WILDCARDED_PUBLIC_IDENTITY,
    Assignment,
    Command,
    CxAnswer,
    CxRequest,
    Result,
    allowed_names_avp,
    digest_avps,
)
from lab.diameter import USER_NAME, VENDOR_3GPP, Avp
from lab.profile import profile_xml
from lab.ranges import expression_of
from lab.subscribers import Subscription


_ENDING = frozenset(
    {
        Assignment.TIMEOUT_DEREGISTRATION,
        Assignment.USER_DEREGISTRATION,
        Assignment.ADMINISTRATIVE_DEREGISTRATION,
        Assignment.DEREGISTRATION_TOO_MUCH_DATA,
        Assignment.AUTHENTICATION_FAILURE,
        Assignment.AUTHENTICATION_TIMEOUT,
    }
)
_SERVING = frozenset(
    {Assignment.REGISTRATION, Assignment.RE_REGISTRATION, Assignment.UNREGISTERED_USER}
)
_IN_ITS_OWN_NAME = frozenset(
    {
        Assignment.REGISTRATION,
        Assignment.RE_REGISTRATION,
        Assignment.USER_DEREGISTRATION,
        Assignment.USER_DEREGISTRATION_STORE_SERVER_NAME,
        Assignment.AUTHENTICATION_FAILURE,
        Assignment.AUTHENTICATION_TIMEOUT,
    }
)
"What only a distinct identity can be assigned for (TS 29.228 6.1.2.1 step 4)."


class CxDesk:
    """Subscriptions, their S-CSCFs, and the answers that follow from them."""

    def __init__(self, subscriptions: Iterable[Subscription]) -> None:
        self._lock = threading.Lock()
        self._subscriptions = {each.impi: each for each in subscriptions}
        self._servers: dict[str, str] = {}
        self._ranges: dict[str, str] = {}

    def provision(self, subscription: Subscription) -> None:
        """Add a subscription, or replace the one with its IMPI."""
        with self._lock:
            self._subscriptions[subscription.impi] = subscription

    def serve(self, expression: str, server: str) -> None:
        """Have the S-CSCF *server* serve all public identities that match, registered or not."""
        with self._lock:
            self._ranges[expression] = server

    def registrations(self) -> dict[str, str]:
        """Return the name of the S-CSCF of each registered IMPI."""
        with self._lock:
            return dict(self._servers)

    def subscription(self, impi: str) -> Subscription:
        """Return the subscription of *impi*. Raise KeyError if there is none."""
        with self._lock:
            return self._subscriptions[impi]

    def forget(self, impi: str) -> None:
        """Note that *impi* is not registered any more."""
        with self._lock:
            self._servers.pop(impi, None)

    def answer(self, request: CxRequest) -> CxAnswer:
        """Return the answer to *request*."""
        with self._lock:
            found = self._find(request)
            if isinstance(found, Result):
                return self._answer_for_range(request) or CxAnswer(found)
            match request.command:
                case Command.USER_AUTHORIZATION:
                    return self._authorize(request, found)
                case Command.SERVER_ASSIGNMENT:
                    return self._assign(request, found)
                case Command.LOCATION_INFO:
                    return self._locate(found)
                case Command.MULTIMEDIA_AUTH:
                    return self._authenticate(request, found)
            return CxAnswer(REFUSED)

    def _find(self, request: CxRequest) -> Subscription | Result:
        """Find who is meant: steps 1 to 3 of the procedures."""
        by_impu = (s for s in self._subscriptions.values() if request.impu in s.impus)
        if not request.impi:
            return next(by_impu, USER_UNKNOWN)
        subscription = self._subscriptions.get(request.impi)
        if subscription is None:
            return USER_UNKNOWN
        if request.impu is None or request.impu in subscription.impus:
            return subscription
        return IDENTITIES_DONT_MATCH if any(by_impu) else USER_UNKNOWN

    def _authorize(self, request: CxRequest, subscription: Subscription) -> CxAnswer:
        # TS 29.228 6.1.1.1 step 4: barred, and nobody else in its set to register for.
        if not subscription.usable:
            return CxAnswer(AUTHORIZATION_REJECTED)
        server = self._servers.get(subscription.impi)
        if request.deregisters and server is None:
            return CxAnswer(IDENTITY_NOT_REGISTERED)
        allowed = subscription.visited_networks
        if allowed and not request.deregisters and request.visited_network not in allowed:
            return CxAnswer(ROAMING_NOT_ALLOWED)
        if server is None:
            return CxAnswer(FIRST_REGISTRATION)
        # A deregistration is to be answered with plain DIAMETER_SUCCESS, to which Kamailio's
        # I-CSCF says 480; it takes this for both.
        return CxAnswer(SUBSEQUENT_REGISTRATION, (_server_name(server),))

    def _assign(self, request: CxRequest, subscription: Subscription) -> CxAnswer:
        kind = request.assignment
        if kind in _SERVING:
            if not subscription.usable:
                return CxAnswer(REFUSED)
            if request.server_name:
                self._servers[subscription.impi] = request.server_name
        elif kind in _ENDING:
            self._servers.pop(subscription.impi, None)
        name = Avp(USER_NAME, subscription.impi)
        if (kind in _SERVING or kind is Assignment.NO_ASSIGNMENT) and not request.has_profile:
            return CxAnswer(SUCCESS, (name, *_profile_avps(subscription)))
        return CxAnswer(SUCCESS, (name,))

    def _locate(self, subscription: Subscription) -> CxAnswer:
        server = self._servers.get(subscription.impi)
        if server is None:
            return CxAnswer(IDENTITY_NOT_REGISTERED)
        return CxAnswer(SUCCESS, (_server_name(server),))

    def _answer_for_range(self, request: CxRequest) -> CxAnswer | None:
        """Answer for an identity that is nobody's by itself, or is a wildcarded one."""
        impu = request.impu or ""
        if request.command == Command.LOCATION_INFO:
            return self._locate_member(impu)
        if request.assignment in _IN_ITS_OWN_NAME and self._pilot_of(impu) is not None:
            return CxAnswer(IN_ASSIGNMENT_TYPE)
        return None

    def _locate_member(self, impu: str) -> CxAnswer | None:
        pilot = self._pilot_of(impu)
        if pilot is not None:
            subscription, wildcard = pilot
            located = self._locate(subscription)
            named = Avp(WILDCARDED_PUBLIC_IDENTITY, wildcard, VENDOR_3GPP)
            return CxAnswer(located.result, (*located.avps, named))
        for expression, server in self._ranges.items():
            if re.fullmatch(expression, impu):
                return CxAnswer(SUCCESS, (_server_name(server),))
        return None

    def _pilot_of(self, impu: str) -> tuple[Subscription, str] | None:
        """Return whose wildcarded identity *impu* is or matches, and that one."""
        registered = ((s, each) for s in self._subscriptions.values() for each in s.ranges)
        for subscription, wildcard in registered:
            if impu == wildcard or re.fullmatch(expression_of([wildcard]), impu):
                return subscription, wildcard
        return None

    def _authenticate(self, request: CxRequest, subscription: Subscription) -> CxAnswer:
        # Kamailio wants both identities in every MAA, in those that refuse as well.
        impu = request.impu or subscription.impus[0]
        names = Avp(USER_NAME, subscription.impi), Avp(PUBLIC_IDENTITY, impu, VENDOR_3GPP)
        if subscription.password is None:
            return CxAnswer(AUTH_SCHEME_NOT_SUPPORTED, names)
        vector = digest_avps(subscription.impi, subscription.password)
        return CxAnswer(SUCCESS, (*names, *vector))


def _server_name(server: str) -> Avp:
    return Avp(SERVER_NAME, server, VENDOR_3GPP)


def _profile_avps(subscription: Subscription) -> tuple[Avp, ...]:
    """TS 29.228 table 6.1.2.2: the list of names goes with User-Data, never alone."""
    profile = Avp(USER_DATA, profile_xml(subscription), VENDOR_3GPP)
    if not (subscription.wafs or subscription.wwsfs):
        return (profile,)
    return profile, allowed_names_avp(subscription.wafs, subscription.wwsfs)
