"""`golive replay`: a past watch, judged again from what it saw."""

from __future__ import annotations

from typing import Annotated

import typer

from bot import arguments
from bot.arguments import UsageError
from bot.cli.configuration import RunbookOption, environment, runbook_of
from bot.cli.ending import Finished, wait
from bot.cli.output import say, show
from bot.render.replay import render_replay, replay_json
from bot.storage.values import StoreUnavailable
from bot.watch.replaying import replayed
from checks import CHECKS


def replay(
    watch: Annotated[str, typer.Argument(metavar="WATCH", help="An id, a version, or last.")],
    runbook: RunbookOption = None,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Judge a past watch again from what it saw, to try proposed thresholds on it.

    Exit code: 0 every point came out as it is stored, 1 some findings moved.
    """
    arguments.one_of("--format", output, ("text", "json"))
    settings = environment()
    if settings.store_url is None:
        raise UsageError("GOLIVE_STORE_URL is not set. It is where past watches are kept.")
    book = runbook_of(runbook, settings)
    try:
        found = wait(replayed(settings.store_url.get_secret_value(), watch, CHECKS, book))
    except StoreUnavailable as error:
        raise UsageError(str(error)) from error
    if found is None:
        raise UsageError(f"There is no watch {watch!r}. `/golive history` lists them.")
    if output == "json":
        say(replay_json(*found))
    else:
        show(render_replay(*found))
    raise Finished(1 if any(one.moved for one in found[1]) else 0)
