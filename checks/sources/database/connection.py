"""What golive's connections have in common: how one is made, and how one that hangs is ended."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo


def conninfo(url: str, seconds: float) -> str:
    """How to connect to a URL: for so many seconds, by golive's name."""
    return make_conninfo(
        url,
        connect_timeout=max(2, round(seconds)),  # libpq knows nothing below 2
        application_name="golive",
        keepalives_idle=30,
    )


@contextmanager
def hang_up_after(connection: AsyncConnection[Any], seconds: float) -> Generator[asyncio.Event]:
    """End the connection from this side if it takes longer; every wait on it then fails at once.

    Cancelling would wait for the server's consent, which a hanging pooler never gives.

    Yields:
        What is set once the connection was ended.
    """
    hung_up = asyncio.Event()

    def hang_up() -> None:
        hung_up.set()
        # A second descriptor of the same socket: closing it leaves the driver's own one open.
        with suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as twin:
            twin.shutdown(socket.SHUT_RDWR)

    timer = asyncio.get_running_loop().call_later(seconds, hang_up)
    try:
        yield hung_up
    finally:
        timer.cancel()
