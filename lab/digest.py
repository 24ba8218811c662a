"""Digest credentials and challenges: their parameters, and the answer to a challenge."""

from __future__ import annotations

import hashlib
import re


_PARAMETER = re.compile(r'\s*([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)')


def auth_parameters(value: str) -> dict[str, str]:
    """Return the parameters of an Authorization or WWW-Authenticate value, unquoted.

    Names are lower-cased. Raise ValueError for what is not a list of parameters, and for a
    parameter that stands there twice.
    """
    scheme, _, rest = value.partition(" ")
    found: dict[str, str] = {}
    place = 0
    while place < len(rest):
        parameter = _PARAMETER.match(rest, place)
        if parameter is None:
            raise ValueError(f"no parameter of {scheme}: {rest[place:]!r}")
        name = parameter[1].lower()
        if name in found:
            raise ValueError(f"{name} stands twice in {value!r}")
        quoted = parameter[2]
        found[name] = parameter[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        place = parameter.end()
    return found


HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def answer_challenge(
    challenge: str, username: str, password: str, uri: str, count: int = 1
) -> str:
    """Return the Authorization value that answers *challenge* to a REGISTER (RFC 7616).

    *count* is how often the nonce is used by that. Raise KeyError for an unknown algorithm.
    """
    asked = auth_parameters(challenge)
    realm, nonce, algorithm = asked["realm"], asked["nonce"], asked["algorithm"]

    def digest(text: str) -> str:
        return HASHES[algorithm](text.encode()).hexdigest()

    nc, cnonce = f"{count:08x}", "lab"
    secret = digest(f"{username}:{realm}:{password}")
    response = digest(f"{secret}:{nonce}:{nc}:{cnonce}:auth:{digest(f'REGISTER:{uri}')}")
    return (
        f'Digest username="{username}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
        f'response="{response}", algorithm={algorithm}, qop=auth, nc={nc}, cnonce="{cnonce}"'
    )
