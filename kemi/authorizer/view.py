"""The part of the policy that SIP workers read, kept in Kamailio's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authorizer.blocks import BLOCK_TABLES, block_tables
from authorizer.kamailio import STATE
from authorizer.rows import challenge_headers, coded, safe


if TYPE_CHECKING:
    from authorizer.kamailio import Kamailio
    from epcscf.control.v1 import control_pb2 as pb

Tables = dict[str, dict[str, str]]

TABLES = (
    *("ep_origin", "ep_certificate", *BLOCK_TABLES),
    *("ep_domain", "ep_rules", "ep_challenge", "ep_stamp"),
)


class View:
    """The view in force. Replaced whole, written row by row."""

    def __init__(self, kamailio: Kamailio) -> None:
        self._kamailio = kamailio
        # an authorizer that died before us may have left rows that are to be dropped
        self._tables: Tables = {table: kamailio.rows(table) for table in TABLES}
        self.revision = 0

    def holds(self, scope: str, value: str) -> bool:
        """Tell whether a verdict given under this stamp is still good."""
        return f"{scope}|{value}" in self._tables["ep_stamp"]

    def replace(self, policy: pb.PolicyView) -> None:
        """Put *policy* into force.

        Rows that are gone go first, stamps among them, and what is new comes after:
        in between a worker may see less than either policy allows, never more.
        """
        tables = _tables(policy)
        for table, rows in self._tables.items():
            for key in rows.keys() - tables[table].keys():
                self._kamailio.drop(table, key)
        for table in reversed(TABLES):
            for key, value in tables[table].items() - self._tables[table].items():
                self._kamailio.write(table, key, value)
        self._tables = tables
        self.revision = policy.revision
        self._kamailio.write(STATE, "revision", str(policy.revision))
        self._kamailio.note(f"policy.applied revision={policy.revision}")


def _tables(policy: pb.PolicyView) -> Tables:
    return {
        "ep_origin": {row.origin: row.wwsf for row in policy.origins},
        "ep_certificate": {row.sha256: row.wwsf for row in policy.certificates},
        "ep_domain": {row.domain: _domain_row(row) for row in policy.domains},
        "ep_rules": {row.wwsf: _rules_row(row) for row in policy.wwsfs},
        "ep_challenge": {
            f"{row.wwsf}/{row.domain}": coded(challenge_headers(row.challenges))
            for row in policy.challenges
        },
        "ep_stamp": {f"{row.scope}|{row.value}": "1" for row in policy.stamps},
        **block_tables(policy.blocks),
    }


def _domain_row(row: pb.ServedDomain) -> str:
    visited, charging = safe(row.visited_network_id), safe(row.charging_parameters)
    return f"{row.next_hop_set}|{coded(visited)}|{coded(charging)}"


def _rules_row(row: pb.WwsfRules) -> str:
    ways = f"{int(row.tokens)}|{int(row.digest)}"
    limits = f"{row.max_registrations}|{row.max_first_sights}"
    return f"{ways}|{limits}|{int(row.token_in_every_request)}"
