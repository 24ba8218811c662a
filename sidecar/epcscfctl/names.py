"""Names of what there is, offered by a shell to whoever presses TAB: the server is asked.

* It is asked under the options and variables that the command itself would go by.
* One that cannot be reached, does not know the question or takes longer than a moment is no
  reason to say anything: the name can be typed. Half of the names would be worse than none.
* The name of what is about to be made is nobody's to offer.
"""

from __future__ import annotations

import time

from typing import TYPE_CHECKING

import click
import grpc

from click.shell_completion import CompletionItem

from epcscf.admin.v1 import decisions_pb2, edges_pb2, events_pb2, registrations_pb2, waf_pb2
from epcscf.admin.v1 import revocations_pb2 as revocations_pb
from epcscfctl.kinds import ENTITY, KINDS, WAF_KINDS, WWSF
from epcscfctl.session import PAGE, Session, open_session


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from epcscfctl.kinds import Kind

    Item = CompletionItem[str]
    Offer = Callable[[click.Context, click.Parameter, str], list[Item]]
    Source = Callable[[Session, click.Context], Iterable[Item]]

PATIENCE = 1.0
"Seconds; whoever has pressed TAB waits."

DECISIONS = 100
"Newest first; who asks about an older one has its id from a log."


def _offering(source: Source) -> Offer:
    """Offer what *source* yields, or nothing."""

    def offer(context: click.Context, _parameter: click.Parameter, begun: str) -> list[Item]:
        end = time.monotonic() + PATIENCE
        found = {}
        try:
            session = open_session(context.find_root().params, PATIENCE)
            for item in source(session, context):
                found[item.value] = item
                if time.monotonic() > end:
                    return []
        except (click.ClickException, grpc.RpcError, OSError):
            return []
        return [item for name, item in sorted(found.items()) if name.startswith(begun)]

    return offer


def names_of(kind: Kind) -> Offer:
    """Offer the names of what there is of *kind*."""
    return _offering(
        lambda session, _: _items(kind.key(message.name) for message in session.every(kind))
    )


def names_in(collection: str) -> Offer | None:
    """Offer the names of what is in *collection*, if that is one of ours."""
    known = (kind for kind in (*KINDS, *WAF_KINDS) if kind.collection == collection)
    kind = next(known, None)
    return names_of(kind) if kind else None


def _items(names: Iterable[str]) -> Iterator[Item]:
    return (CompletionItem(name) for name in names if name)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _registered(session: Session) -> Iterator[registrations_pb2.Registration]:
    wanted = registrations_pb2.ListRegistrationsRequest(page_size=PAGE)
    return session.paged(session.registrations.ListRegistrations, wanted, "registrations")


def _registrations(session: Session, _context: click.Context) -> Iterator[Item]:
    return (CompletionItem(_last(each.name), help=each.impu) for each in _registered(session))


def _revocations(session: Session, _context: click.Context) -> Iterator[Item]:
    wanted = revocations_pb.ListRevocationsRequest(page_size=PAGE)
    found = session.paged(session.revocations.ListRevocations, wanted, "revocations")
    return _items(_last(each.name) for each in found)


def _edges(session: Session, _context: click.Context) -> Iterator[Item]:
    wanted = edges_pb2.ListEdgesRequest()
    found = session.edges.ListEdges(wanted, timeout=session.timeout).edges
    return _items(_last(each.name) for each in found)


def _orders(session: Session, _context: click.Context) -> Iterator[Item]:
    wanted = edges_pb2.ListOrdersRequest(page_size=PAGE)
    found = session.paged(session.edges.ListOrders, wanted, "orders")
    return (CompletionItem(_last(each.name), help=each.errand) for each in found)


def _webhooks(session: Session, _context: click.Context) -> Iterator[Item]:
    wanted = events_pb2.ListWebhooksRequest()
    found = session.events.ListWebhooks(wanted, timeout=session.timeout).webhooks
    return _items(_last(each.name) for each in found)


def _decisions(session: Session, _context: click.Context) -> Iterator[Item]:
    wanted = decisions_pb2.ListDecisionsRequest(page_size=DECISIONS)
    found = session.decisions.ListDecisions(wanted, timeout=session.timeout).decisions
    return (CompletionItem(each.decision_id, help=each.reason) for each in found)


def _waf_keys(session: Session, _context: click.Context) -> Iterator[Item]:
    wanted = waf_pb2.ListWafKeysRequest()
    found = session.waf.ListWafKeys(wanted, timeout=session.timeout).waf_keys
    return _items(_last(each.name) for each in found)


def _ranges(session: Session, context: click.Context) -> Iterator[Item]:
    """Give those of the WWSF that the command names."""
    holder = session.get(WWSF, context.params["wwsf"])
    return _items(each.range for each in holder.ranges)


WWSFS = names_of(WWSF)
ENTITIES = names_of(ENTITY)
ISSUERS = _offering(lambda session, _: _items(each.issuer for each in session.every(ENTITY)))
IMPIS = _offering(lambda session, _: _items(each.impi for each in _registered(session)))
IMPUS = _offering(lambda session, _: _items(each.impu for each in _registered(session)))
REGISTRATIONS = _offering(_registrations)
REVOCATIONS = _offering(_revocations)
EDGES = _offering(_edges)
ORDERS = _offering(_orders)
WEBHOOKS = _offering(_webhooks)
DECISION_IDS = _offering(_decisions)
WAF_KEYS = _offering(_waf_keys)
RANGES = _offering(_ranges)
