"""Parameters of requests: bounded, and each at most once (RFC 6749 3.1, 3.2)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl


if TYPE_CHECKING:
    from starlette.requests import Request

LARGEST_BODY = 64 * 1024
"Bytes; two assertions of the longest kind fit."

MOST_PARAMETERS = 50

FORM = "application/x-www-form-urlencoded"


class Malformed(ValueError):  # noqa: N818 - named for what is wrong
    """The parameters cannot be read in one way only."""


class Repeated(Malformed):
    """Some of the parameters come more than once."""

    def __init__(self, once: dict[str, str], names: frozenset[str]) -> None:
        super().__init__("a parameter comes twice")
        self.once = once
        "The others, which can be read."
        self.names = names


class TooLarge(ValueError):  # noqa: N818 - named for what is wrong
    """The body is longer than anything that we are sent."""


async def read_form(request: Request) -> dict[str, str]:
    """Read the parameters in the body. Raise Malformed or TooLarge."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Malformed(f"the content type is not {FORM}")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise TooLarge
    return read_parameters(bytes(body))


def read_parameters(encoded: bytes) -> dict[str, str]:
    """Read parameters. Raise Malformed; Repeated if that is all that is wrong."""
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(encoded),
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError as error:
        # Its message quotes what may be a secret.
        raise Malformed("not form-encoded UTF-8, or too many parameters") from error
    counts = Counter(name for name, _ in pairs)
    repeated = frozenset(name for name, count in counts.items() if count > 1)
    # RFC 6749 3.1: without a value it is as if it were not there.
    parameters = {name: value for name, value in pairs if value and name not in repeated}
    if repeated:
        raise Repeated(parameters, repeated)
    return parameters
