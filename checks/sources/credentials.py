"""Credentials in an http address that end where nobody meant them to."""

from __future__ import annotations

import re
from typing import Final

_ADDRESS: Final = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://([^/\\?#]*)(.*)", re.DOTALL)


def unescaped(address: str) -> bool:
    """Whether an @ stands where only a part of a password can have brought it.

    Whoever takes such an address apart ends the password at its first / or @, takes the rest for
    the host, and quotes that when it is not found.
    """
    found = _ADDRESS.fullmatch(address)
    return found is not None and ("@" in found[2] or found[1].count("@") > 1)
