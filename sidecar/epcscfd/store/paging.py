"""Page tokens: where a list left off, opaque to whoever holds one."""

from __future__ import annotations

import base64
import binascii

from epcscfd.errors import InvalidArgument


def seal_token(key: str) -> str:
    """Make the token of a page that ends with *key*."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def open_token(token: str) -> str:
    """Give the key that a page ended with. Raise InvalidArgument."""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise InvalidArgument("page_token", "is not one that a list gave") from None
