"""All kinds of resources, by their class."""

from __future__ import annotations

from typing import Any

from epcscfd.store.kinds import POLICY_KINDS, Kind
from epcscfd.store.waf_kinds import WAF_KINDS


KINDS: dict[type[Any], Kind[Any]] = {kind.resource: kind for kind in (*POLICY_KINDS, *WAF_KINDS)}
