"""What stands behind `golive demo`: its options made whole, and what is wrong with them."""

from __future__ import annotations

import logging

from rich.console import Console

from bot.arguments import UsageError
from bot.demo.play import Options, has_display, play
from bot.demo.postgres_binaries import EmbeddedPostgresError
from bot.demo.scenarios import BY_NAME, SCENARIOS
from bot.logs import configure_logging


def demonstrate(
    name: str,
    *,
    speed: float,
    headless: bool,
    stay: bool | None,
    port: int,
    seed: int,
    console: Console,
) -> int:
    """Play a scenario, or list them all; the exit code.

    Raises:
        UsageError: there is no such scenario, or no PostgreSQL that could be started.
    """
    if name == "list":
        for each in SCENARIOS:
            console.print(f"{each.name:<20} {each.about} Ends in {each.ends}.")
        return 0
    scenario = BY_NAME.get(name)
    if scenario is None:
        raise UsageError(f"--scenario: {name!r} is not one of {', '.join(BY_NAME)}.")
    alone = headless or not has_display()
    options = Options(
        scenario=scenario,
        seed=seed,
        speed=speed,
        headless=alone,
        stay=not alone if stay is None else stay,
        port=port,
    )
    configure_logging(logging.ERROR)  # what golive warns itself of is not part of the play
    try:
        return play(options, console)
    except EmbeddedPostgresError as error:
        raise UsageError(str(error)) from error
