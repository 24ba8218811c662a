"""Numbered members of a static range, to be lent like the subscriptions of a pool.

A range is one wildcarded IMPU (TS 23.003 13.5), `sip:room-!1[0-9]{2}!@ims.example`. The core has
it by configuration and knows none of its members, so nobody has provisioned them: which there
are to lend is for whoever owns the range to say. Here a number takes the place of the expression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.wwsf.pool.lease import Pair
from epcscfd.domain.identity import Impu
from epcscfd.domain.wildcard import WildcardedIdentity


if TYPE_CHECKING:
    from collections.abc import Iterable


def members(identities: str, numbers: Iterable[int], realm: str) -> list[Pair]:
    """Give the members of the range *identities* that have these *numbers*, with IMPIs of *realm*.

    Raise ValueError if *identities* is no wildcarded IMPU, or a number leads out of it: at the
    eP-CSCF its user would be refused.
    """
    wildcard = WildcardedIdentity.parse(identities)
    host = "" if wildcard.domain is None else f"@{wildcard.domain}"
    found = []
    for number in numbers:
        user = f"{wildcard.prefix}{number}{wildcard.suffix}"
        impu = Impu.parse(f"{wildcard.scheme}:{user}{host}")
        if not wildcard.matches(impu):
            raise ValueError(f"`{impu}` is not in the range `{wildcard}`")
        found.append(Pair(f"{user}@{realm}", (str(impu),)))
    return found
