"""What golive's connections have in common: how one is made, rolled back, and ended if it hangs."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.pq import ConnStatus, TransactionStatus

from checks.sources.database.url import parameters_of


def conninfo(url: str, seconds: float, *, name: str = "golive") -> str:
    """How to connect to a URL: for so many seconds, by golive's name, encrypted where it must be.

    Raises:
        psycopg.ProgrammingError: the URL cannot be used; nothing of it is in the message.
    """
    own: dict[str, str | int | None] = {
        "connect_timeout": max(2, round(seconds)),  # libpq knows nothing below 2
        "application_name": name,
        "keepalives_idle": 30,
    }
    return make_conninfo("", **{**parameters_of(url), **own})


async def roll_back(connection: AsyncConnection[Any]) -> None:
    """End a transaction that nobody ended, where there still is a connection."""
    state = connection.pgconn
    if state.status == ConnStatus.OK and state.transaction_status != TransactionStatus.IDLE:
        with suppress(psycopg.Error):
            await connection.execute("ROLLBACK")


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
