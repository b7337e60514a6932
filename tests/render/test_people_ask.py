"""What golive answers when somebody asks: help, history, Home, and what cannot be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.commands import COMMANDS
from bot.render import sentences
from bot.render.help import help_message
from bot.render.history import history_message
from bot.render.home import home_view, stranger_view
from bot.render.message import Message
from bot.storage.values import Past
from checks.engine.model import Decision
from tests.render.slack_says import refusals, view_refusals
from tests.render.watches import (
    DEPLOYMENT,
    NOW,
    RED,
    block_words,
    point,
    report,
    taken,
    watch,
    words,
)

ENDED = Past(
    deployment=replace(DEPLOYMENT, closed_at=NOW, closed_by="U0BEA"),
    last=taken(point(60, "final", "final"), Decision.GO),
)
RUNNING = Past(deployment=DEPLOYMENT)


def test_help_shows_what_the_caller_may_run() -> None:
    """And says who runs the rest."""
    member = words(help_message(COMMANDS, operator=False))
    assert "/golive status – " in member
    assert "/golive accept CHECK REASON" not in member
    assert "Only operators (GOLIVE_OPERATORS) run start, checkpoint" in member
    operator = words(help_message(COMMANDS, operator=True))
    assert "/golive accept CHECK REASON – " in operator
    assert "Example: /golive silence http_5xx 30m" in operator
    assert "Only operators" not in operator


def test_history_lists_verdict_version_when_and_who() -> None:
    """Newest first, as given."""
    said = words(history_message([ENDED, RUNNING])).splitlines()
    assert said[0] == "The last 2 watches"
    assert said[1] == (
        "✔ GO · v2.4.0 · 2026-11-23 21:00 UTC · last T+60 · by @U0ANA · closed by @U0BEA"
    )
    assert said[2] == "– no verdict · v2.4.0 · 2026-11-23 21:00 UTC · by @U0ANA · still running"


def test_an_empty_history_says_how_to_begin() -> None:
    """And why one may be missing."""
    said = words(history_message([], problems=["The store is down."]))
    assert "/golive start VERSION" in said
    assert "The store is down." in said


def test_home_shows_watches_verdicts_and_what_one_may_do() -> None:
    """The running ones first."""
    home = home_view([watch(report(RED))], [ENDED] * 30, COMMANDS, operator=False)
    said = "\n".join(block_words(list(home.blocks)))
    assert said.startswith("1 watch is running.")
    assert "✖ NO-GO · v2.4.0 · T+30" in said
    assert said.count("✔ GO · v2.4.0") == 10
    assert "/golive status" in said
    assert "/golive close" not in said
    assert view_refusals(home) == []


def test_an_empty_home_says_how_to_begin() -> None:
    """And a stranger's says why it is empty."""
    empty = "\n".join(block_words(list(home_view([], [], COMMANDS, operator=True).blocks)))
    assert empty.startswith("No watch is running.")
    stranger = "\n".join(block_words(list(stranger_view().blocks)))
    assert "Ask a member" in stranger


ANSWERS = {
    "not operator": sentences.not_operator("close"),
    "outsider": sentences.outsider(),
    "elsewhere": sentences.elsewhere("C0OPS"),
    "unknown check": sentences.unknown_check("http", ["http_5xx", "retries"]),
    "no watch": sentences.no_watch("close"),
    "watch runs": sentences.watch_runs(DEPLOYMENT),
    "nothing to ack": sentences.nothing_to_ack(),
    "already acked": sentences.already_acked("U0BEA"),
    "just taken": sentences.just_taken(Decision.GO, "U0BEA"),
    "not acceptable": sentences.not_acceptable("retries", "it is OK."),
    "stale button": sentences.stale_button(),
    "store down": sentences.store_down("start"),
    "failed": sentences.failed("a1b2"),
}
NEXT = ("/golive", "Ask", "Go to", "The checks are", "The watch goes on", "has to be mended")


@pytest.mark.parametrize("name", ANSWERS)
def test_a_refusal_says_what_to_do_next(name: str) -> None:
    """And is short."""
    message: Message = ANSWERS[name]
    assert any(step in message.text for step in NEXT)
    assert len(message.text) < 400
    assert refusals(message) == []


def test_backticks_of_a_sentence_are_code() -> None:
    """What stands between them is escaped all the same."""
    assert sentences.say("Use `/golive <x>`, not *this*.").text == (
        "Use `/golive &lt;x&gt;`, not ∗this∗."
    )
