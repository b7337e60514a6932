"""App Home: the running watches, the last verdicts, what the reader may do."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.budget import Draft, Part, to_home
from bot.render.help import OPERATOR, Described, command_lines
from bot.render.history import past_lines
from bot.render.message import View
from bot.render.mrkdwn import escape
from bot.render.phrases import elapsed, reasons, verdict_line, version
from bot.render.timeline import next_words
from bot.storage.values import Past
from bot.watch.model import WatchView

_VERDICTS = 10


def home_view(
    watches: Sequence[WatchView],
    past: Sequence[Past],
    commands: Sequence[Described],
    *,
    operator: bool,
    problems: Sequence[str] = (),
) -> View:
    """What App Home shows somebody; `problems`: what golive itself cannot do, as sentences."""
    running = [line for watch in watches for line in _watch(watch)]
    mine = [command for command in commands if operator or command.who != OPERATOR]
    draft = Draft(
        verdict=_first_line(watches),
        parts=[
            Part(title="golive itself", lines=[f"▲ {escape(p)}" for p in problems], rank=0),
            Part(title="Running watches", lines=running, noun="lines", rank=1, at_most=60),
            Part(
                title="The last verdicts",
                lines=past_lines(past[:_VERDICTS]),
                noun="watches",
                rank=2,
            ),
            Part(title="What you may do", lines=command_lines(mine), noun="commands", rank=3),
        ],
        fine="" if operator else "Operators (GOLIVE_OPERATORS) may start, accept and close.",
    )
    return to_home(draft)


def stranger_view() -> View:
    """App Home of somebody whom golive does not serve."""
    return to_home(
        Draft(
            verdict="*golive answers full members of this workspace only.*",
            reasons=["Ask a member to show you what it says."],
        )
    )


def _first_line(watches: Sequence[WatchView]) -> str:
    if not watches:
        return "*No watch is running.* `/golive start VERSION` in a channel begins one."
    return f"*{len(watches)} {'watch is' if len(watches) == 1 else 'watches are'} running.*"


def _watch(view: WatchView) -> list[str]:
    """A watch in up to three lines: verdict, first reason, what comes."""
    report = view.report
    deployment = view.deployment
    about = [version(deployment), elapsed(deployment.deployed_at, view.now)]
    if report is None:
        lines = [verdict_line(None, *about)]
    else:
        lines = [
            verdict_line(report.verdict.decision, *about, report=report),
            *reasons(report.verdict)[:1],
        ]
    return [*lines, *([next_words(view)] if view.upcoming else [])]
