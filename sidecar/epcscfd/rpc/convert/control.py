"""The control contract: questions in, verdicts and the edge's view of the policy out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epcscf.control.v1 import control_pb2 as pb
from epcscfd.domain.policy import WwsfId
from epcscfd.domain.reasons import Connection
from epcscfd.domain.register import Accept, Door, Forward, Grant, RegisterFacts
from epcscfd.rpc.convert.blocks import account_to_proto


if TYPE_CHECKING:
    from epcscfd.domain.edge import EdgeView, ServedDomain, Stamp, WwsfRules
    from epcscfd.domain.judgement import Judgement, Refusal


CONNECTIONS = {
    Connection.KEEP: pb.CONNECTION_KEEP,
    Connection.CLOSE: pb.CONNECTION_CLOSE,
    Connection.KEEP_IF_REGISTERED: pb.CONNECTION_KEEP_IF_REGISTERED,
}


def facts_from_proto(question: pb.Question) -> RegisterFacts:
    """Take out of *question* what the judge may look at."""
    return RegisterFacts(
        door=Door(
            wwsf=WwsfId(question.door.wwsf),
            listener=question.door.listener,
            client_certificate=question.door.client_certificate,
        ),
        to=question.to,
        authorization=question.authorization,
        call_id=question.call_id,
        request_domain=question.request_domain,
    )


def verdict_to_proto(question_id: int, judgement: Judgement) -> pb.Verdict:
    """Say *judgement* as the answer to *question_id*."""
    verdict = pb.Verdict(
        id=question_id,
        decision_id=judgement.decision_id,
        keep_seconds=int(judgement.keep.total_seconds()),
        revision=judgement.revision,
    )
    if judgement.stamp is not None:
        verdict.stamp.CopyFrom(_stamp_to_proto(judgement.stamp))
    if judgement.reply is not None:
        verdict.refuse.CopyFrom(_refuse_to_proto(judgement.reply))
    elif isinstance(judgement.decision, Forward):
        verdict.forward.CopyFrom(_forward_to_proto(judgement.decision))
    elif isinstance(judgement.decision, Accept):
        verdict.accept.CopyFrom(_accept_to_proto(judgement.decision))
    return verdict


def _forward_to_proto(forward: Forward) -> pb.Forward:
    return pb.Forward(
        **_grant_fields(forward.grant),
        request_uri=forward.request_uri,
        authorization=forward.authorization,
        visited_network_id=forward.visited_network_id,
        charging_parameters=forward.charging_parameters,
        next_hop_set=forward.next_hop_set,
    )


def _accept_to_proto(accept: Accept) -> pb.Accept:
    return pb.Accept(**_grant_fields(accept.grant), associated_uri=accept.associated_uri)


def _grant_fields(grant: Grant) -> dict[str, Any]:
    """Give the fields that say who may register what, and for how long."""
    return {
        "impi": str(grant.impi),
        "impu": str(grant.impu),
        "subject": grant.subject,
        "token_id": grant.token_id,
        "token_expires_at": int(grant.token_expires_at.timestamp()),
        "margin_seconds": int(grant.margin.total_seconds()),
        "minimum_seconds": int(grant.minimum.total_seconds()),
        "expired_challenge": grant.expired_challenge,
    }


def _refuse_to_proto(reply: Refusal) -> pb.Refuse:
    return pb.Refuse(
        status=reply.status,
        phrase=reply.phrase,
        challenges=reply.challenges,
        retry_after=int(reply.retry_after.total_seconds()),
        connection=CONNECTIONS[reply.connection],
    )


def _stamp_to_proto(stamp: Stamp) -> pb.Stamp:
    return pb.Stamp(scope=stamp.scope, value=stamp.value)


def view_to_proto(view: EdgeView) -> pb.PolicyView:
    """Say *view*."""
    return pb.PolicyView(
        revision=view.revision,
        origins=[pb.AdmittedOrigin(origin=o.origin, wwsf=o.wwsf) for o in view.origins],
        certificates=[
            pb.AdmittedCertificate(sha256=c.sha256, wwsf=c.wwsf) for c in view.certificates
        ],
        domains=[_domain_to_proto(domain) for domain in view.domains],
        stamps=[_stamp_to_proto(stamp) for stamp in view.stamps],
        challenges=[
            pb.Challenge(wwsf=each.wwsf, domain=each.domain, challenges=each.values)
            for each in view.challenges
        ],
        wwsfs=[_rules_to_proto(rules) for rules in view.wwsfs],
        blocks=map(account_to_proto, view.blocks),
    )


def _domain_to_proto(domain: ServedDomain) -> pb.ServedDomain:
    return pb.ServedDomain(
        domain=domain.domain,
        next_hop_set=domain.next_hop_set,
        visited_network_id=domain.visited_network_id,
        charging_parameters=domain.charging_parameters,
    )


def _rules_to_proto(rules: WwsfRules) -> pb.WwsfRules:
    return pb.WwsfRules(
        wwsf=rules.wwsf,
        tokens=rules.tokens,
        digest=rules.digest,
        max_registrations=rules.quota.max_registrations,
        max_first_sights=rules.quota.max_first_sights,
        token_in_every_request=rules.token_in_every_request,
    )
