"""`golive demo`: a whole go-live that plays itself."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.ending import Finished
from bot.cli.output import results


def demo(
    *,
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="Which hour plays; `list` shows them.")
    ] = "incident",
    quiet_hour: Annotated[bool, typer.Option(help="The same as --scenario quiet-hour.")] = False,
    speed: Annotated[float, typer.Option(min=0.1, help="How many times faster than life.")] = 60.0,
    headless: Annotated[
        bool, typer.Option(help="Open no browser. The default where there is no display.")
    ] = False,
    stay: Annotated[
        bool | None,
        typer.Option("--stay/--exit", help="Go on after the final review, or end. [browser: stay]"),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page, if free.")] = 8484,
    seed: Annotated[int, typer.Option(help="Another seed plays another hour.")] = 1,
) -> None:
    """Play a whole go-live in the browser: without Slack, database or keys of your own."""
    # Here, not above: the demo brings its own PostgreSQL, which is an extra.
    from bot.demo.command import demonstrate  # noqa: PLC0415

    code = demonstrate(
        "quiet-hour" if quiet_hour else scenario,
        speed=speed,
        headless=headless,
        stay=stay,
        port=port,
        seed=seed,
        console=results(),
    )
    raise Finished(code)
