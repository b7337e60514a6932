"""Listening on a port that a setting names."""

from __future__ import annotations

from aiohttp import web

from bot.settings import SettingsError


async def listen(runner: web.BaseRunner, host: str | None, port: int, *, setting: str) -> int:
    """Begin to listen; gives the port, which for 0 is a free one.

    Args:
        runner: set up already; whoever made it cleans it up.
        host: to listen on; None for all addresses.
        port: to listen on.
        setting: the name of the variable that the port comes from.

    Raises:
        SettingsError: nobody can listen there.
    """
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        where = f"{host or 'all addresses'}, port {port}"
        reason = error.strerror or type(error).__name__
        raise SettingsError((f"{setting}: nobody can listen on {where} ({reason}).",)) from None
    return int(runner.addresses[0][1])
