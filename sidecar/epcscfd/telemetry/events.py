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
CALL_FAILED: Final = "call.failed"
REGISTRATION_BEGAN: Final = "registration.began"
REGISTRATION_ENDED: Final = "registration.ended"
REPORTS_DROPPED: Final = "reports.dropped"
COPY_FAILED: Final = "copy.failed"
