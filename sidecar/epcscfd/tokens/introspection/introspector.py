"""The introspector: answers at hand, or one question to the entity, whoever else waits for it.

* An answer about a good token holds for the entity's ttl and never beyond `exp`; any other for the
  negative ttl; that there was none is remembered by the breaker only.
* What is forgotten while a question is under way is not remembered by its answer.
* Faults of server and network are values like those of tokens: F14, and F16 if it is us whom the
  server refuses, which somebody has to be told.
"""

from __future__ import annotations

import asyncio

from collections.abc import Callable
from dataclasses import replace

from epcscfd.domain.policy import AuthorizationEntity, EntityId
from epcscfd.domain.reasons import Reason
from epcscfd.domain.token import AccessToken, Assertion, TokenFault
from epcscfd.ports import Clock, IntrospectionOutcome, IntrospectionWatch
from epcscfd.tokens.introspection.answers import AnswerUnusable, read_answer
from epcscfd.tokens.introspection.credentials import CredentialStore
from epcscfd.tokens.introspection.endpoint import Endpoint, Unanswered, WeAreRefused
from epcscfd.tokens.introspection.memory import AnswerMemory, Question, question_about


class Introspector:
    """Asks entities about tokens."""

    def __init__(
        self,
        clock: Clock,
        watch: IntrospectionWatch,
        credentials: CredentialStore,
        trust: str | None = None,
    ) -> None:
        self._clock = clock
        self._watch = watch
        self._credentials = credentials
        self._trust = trust
        self._memory = AnswerMemory()
        self._endpoints: dict[EntityId, Endpoint] = {}
        self._flights: dict[Question, asyncio.Task[Assertion]] = {}
        self._retired: set[asyncio.Task[None]] = set()
        self._forgotten = 0
        "How often something was; what was asked before an increase is not to be remembered."

    def look(self, token: str, entity: AuthorizationEntity) -> Assertion | None:
        """Vouch for *token* without waiting. None: *entity* has to be asked first."""
        now = self._clock.monotonic()
        found = self._memory.find(question_about(token, entity), now)
        endpoint = self._endpoint(entity)
        if found is None and endpoint.breaker.stops(now):
            return endpoint.trouble
        return found

    async def ask(self, token: str, entity: AuthorizationEntity) -> Assertion:
        """Vouch for *token*, asking *entity* if that needs it."""
        found = self.look(token, entity)
        if found is not None:
            return found
        question = question_about(token, entity)
        flight = self._flights.get(question)
        if flight is None:
            flight = asyncio.create_task(self._fly(question, token, self._endpoint(entity)))
            self._flights[question] = flight
        # Others may be waiting for the same answer: one who gives up must not end it.
        return await asyncio.shield(flight)

    def forget(self, concerned: Callable[[AccessToken], bool]) -> int:
        """Ask anew about good tokens that are *concerned*; tell how many were at hand."""
        self._forgotten += 1
        return self._memory.forget(concerned)

    async def close(self) -> None:
        """Give up what is under way and let go of all connections."""
        under_way = [*self._flights.values()]
        for flight in under_way:
            flight.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await asyncio.gather(*self._retired, *(e.close() for e in self._endpoints.values()))

    def _endpoint(self, entity: AuthorizationEntity) -> Endpoint:
        endpoint = self._endpoints.get(entity.id)
        if endpoint is None or endpoint.entity.epoch != entity.epoch:
            self._endpoints[entity.id] = Endpoint(entity, self._credentials, self._trust)
            if endpoint is not None:
                self._retire(endpoint)
        return self._endpoints[entity.id]

    def _retire(self, endpoint: Endpoint) -> None:
        closing = asyncio.create_task(endpoint.close())
        self._retired.add(closing)
        closing.add_done_callback(self._retired.discard)

    async def _fly(self, question: Question, token: str, endpoint: Endpoint) -> Assertion:
        try:
            if endpoint.trouble and not endpoint.breaker.admits(self._clock.monotonic()):
                return endpoint.trouble
            return await self._ask(question, token, endpoint)
        finally:
            del self._flights[question]

    async def _ask(self, question: Question, token: str, endpoint: Endpoint) -> Assertion:
        entity, forgotten = endpoint.entity, self._forgotten
        try:
            document = await endpoint.ask(token, self._clock.now())
            assertion = read_answer(document, entity)
        except WeAreRefused as error:
            return self._failed(endpoint, Reason.INTROSPECTION_REFUSED, str(error))
        except (Unanswered, AnswerUnusable) as error:
            return self._failed(endpoint, Reason.INTROSPECTION_UNREACHABLE, str(error))
        except BaseException:
            endpoint.breaker.failed(self._clock.monotonic())
            raise
        endpoint.breaker.succeeded()
        assertion = self._dated(assertion, endpoint)
        if forgotten == self._forgotten:
            self._remember(question, assertion, endpoint)
        return assertion

    def _dated(self, assertion: Assertion, endpoint: Endpoint) -> Assertion:
        """Say how long the answer holds, and count it."""
        good = isinstance(assertion, AccessToken)
        outcome = IntrospectionOutcome.ACTIVE if good else IntrospectionOutcome.INACTIVE
        self._watch.introspected(endpoint.entity.id, outcome, "")
        if isinstance(assertion, AccessToken):
            until = self._clock.now() + endpoint.terms.ttl
            return replace(assertion, confirmed_until=min(until, assertion.expires_at))
        return assertion

    def _remember(self, question: Question, assertion: Assertion, endpoint: Endpoint) -> None:
        life = endpoint.terms.negative_ttl
        if isinstance(assertion, AccessToken) and assertion.confirmed_until is not None:
            life = assertion.confirmed_until - self._clock.now()
        self._memory.keep(question, assertion, self._clock.monotonic(), life)

    def _failed(self, endpoint: Endpoint, reason: Reason, why: str) -> TokenFault:
        endpoint.breaker.failed(self._clock.monotonic())
        self._watch.introspected(endpoint.entity.id, _FAILURES[reason], why)
        endpoint.trouble = TokenFault(reason, endpoint.entity.id, why, introspected=True)
        return endpoint.trouble


_FAILURES = {
    Reason.INTROSPECTION_REFUSED: IntrospectionOutcome.REFUSED,
    Reason.INTROSPECTION_UNREACHABLE: IntrospectionOutcome.UNREACHABLE,
}
