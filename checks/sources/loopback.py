"""Whether a host is this machine, so that nothing crosses a network on the way to it."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host's name or address (IPv6 without brackets) never leaves this machine."""
    try:
        return host.lower() == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
