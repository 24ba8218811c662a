"""Names of events in the log: `noun.verb`. All else about an event is in its fields."""

from __future__ import annotations

from typing import Final


SIDECAR_STARTED: Final = "sidecar.started"
SIDECAR_DRAINING: Final = "sidecar.draining"
SIDECAR_STOPPED: Final = "sidecar.stopped"
STORE_MIGRATED: Final = "store.migrated"
POLICY_PUBLISHED: Final = "policy.published"
POLICY_LOAD_FAILED: Final = "policy.load_failed"
POLICY_EDITED: Final = "policy.edited"
EDGE_JOINED: Final = "edge.joined"
EDGE_LEFT: Final = "edge.left"
REGISTER_DECIDED: Final = "register.decided"
REGISTER_FAILED: Final = "register.failed"
REGISTRATION_DECLINED: Final = "registration.declined"
KEYS_FETCHED: Final = "keys.fetched"
INTROSPECTION_FAILED: Final = "introspection.failed"
INTROSPECTION_REFUSED: Final = "introspection.refused"
CALL_FAILED: Final = "call.failed"
REGISTRATION_BEGAN: Final = "registration.began"
REGISTRATION_ENDED: Final = "registration.ended"
REPORTS_DROPPED: Final = "reports.dropped"
COPY_FAILED: Final = "copy.failed"
WAF_STARTED: Final = "waf.started"
WAF_STOPPED: Final = "waf.stopped"
WAF_TOKEN_ISSUED: Final = "waf.token_issued"  # noqa: S105 - not a secret
WAF_TOKEN_REFUSED: Final = "waf.token_refused"  # noqa: S105 - not a secret
WAF_LOGIN_ENDED: Final = "waf.login_ended"
WAF_FAMILY_REVOKED: Final = "waf.family_revoked"
WAF_UPKEEP_FAILED: Final = "waf.upkeep_failed"
ORDER_ISSUED: Final = "order.issued"
ORDER_FINISHED: Final = "order.finished"
TOKENS_REVOKED: Final = "tokens.revoked"
REVOCATION_TAKEN_BACK: Final = "revocation.taken_back"
IDENTITY_RELEASED: Final = "identity.released"
WEBHOOK_DELIVERED: Final = "webhook.delivered"
WEBHOOK_FAILED: Final = "webhook.failed"
WEBHOOK_GAVE_UP: Final = "webhook.gave_up"
WEBHOOK_SET: Final = "webhook.set"
WEBHOOK_DELETED: Final = "webhook.deleted"
