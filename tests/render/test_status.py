"""The message of a watch, and the status outside of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.render.status import live_status, watch_status
from bot.watch.model import NoteKind
from checks.engine.model import Criterion, Decision, Level
from tests.render.slack_says import refusals
from tests.render.watches import (
    ACK,
    AMBER,
    DEPLOYMENT,
    GREEN,
    GREY,
    NOW,
    RED,
    finding,
    note,
    report,
    watch,
    words,
)

FOUND = report(GREEN, GREY, AMBER, RED, minutes={"http_5xx": {0: 1, 29: 75}})


def test_the_first_line_says_verdict_version_time_and_what_to_do() -> None:
    """And the text goes on with the reason."""
    message = watch_status(watch(FOUND))
    first, reason = message.text.splitlines()[:2]
    assert first == "*✖ NO-GO so far* · `v2.4.0` · T+30 · roll back, or fix what is red"
    assert reason.startswith("HTTP 5xx: 76 of 3342 responses.")
    assert message.colour == "#D55E00"


def test_a_rollback_criterion_leaves_no_choice() -> None:
    """The first line says so."""
    met = (Criterion(id="secret_leak", met=True, why="50 proven."),)
    found = replace(FOUND, rollback_criteria=met)
    assert watch_status(watch(found)).text.splitlines()[0].endswith(" · T+30 · roll back now")


def test_a_reason_stands_once_beside_the_colour() -> None:
    """A check's line says it; what no check's line says is kept."""
    because = (
        "HTTP 5xx: 76.",
        "Outbound retries: 7.",
        "Rate limiting: 8.",
        "HTTP 5xx: 77.",
        "Switched off: x.",
    )
    message = watch_status(watch(replace(FOUND, verdict=replace(FOUND.verdict, because=because))))
    assert "Because, also\n• Switched off: x.\n" in words(message)
    assert "HTTP 5xx: 77." not in words(message)


def test_it_says_what_is_missing_and_what_would_change_it() -> None:
    """So that the reader can act."""
    said = words(watch_status(watch(FOUND)))
    assert "Missing\n• health: No BASE_URL was given. Set BASE_URL." in said
    assert "What would change it\n• HTTP 5xx: GO needs 5 or fewer 5xx responses." in said


def test_the_hour_is_a_line_a_point() -> None:
    """A mark, the time, how late; a dot for what is to come."""
    said = words(watch_status(watch(FOUND)))
    assert "✔ T+10 21:10 UTC · checkpoint 1 · GO" in said
    assert "▲ T+20 21:24 UTC · checkpoint 2 · MONITOR · 4 min late" in said
    assert "✖ T+30 21:30 UTC · checkpoint 3 · NO-GO" in said
    assert "· T+40 21:40 UTC   · T+60 22:00 UTC" in said


def test_each_check_is_a_line_the_worst_first() -> None:
    """Level by symbol and word; the bound, the change and the curve where it is not OK."""
    previous = report(GREEN, GREY, AMBER, replace(RED, value=6))
    said = words(watch_status(watch(FOUND, previous=previous)))
    checks = said.partition("Checks\n")[2].splitlines()
    assert checks[0].startswith("✖ CRITICAL HTTP 5xx: 76 of 3342 responses answered 5xx.")
    assert "(warn ≥ 6, crit ≥ 16)  ↑ 70  ▂" in checks[0]
    assert checks[1].startswith("▲ WARNING Outbound retries: 7 outbound retries.")
    assert checks[2].startswith("? UNKNOWN Health check:")
    assert checks[3] == "✔ OK Rate limiting 0  ="


def test_it_shows_who_decided_what_until_when() -> None:
    """What has expired is gone."""
    over = note(NoteKind.SILENCE, check="retries", until=NOW - timedelta(minutes=1))
    notes = (
        note(NoteKind.ACK),
        note(NoteKind.ACCEPT, check="campaigns", reason="none tonight"),
        note(NoteKind.SILENCE, check="http_5xx", until=NOW + timedelta(minutes=30)),
        over,
    )
    said = words(watch_status(watch(FOUND, notes=notes)))
    assert "@U0BEA acknowledged the alarm at 21:30 UTC" in said
    assert "@U0BEA accepted campaigns until the watch ends: none tonight" in said
    assert "@U0BEA silenced http_5xx until 2026-11-23 22:00 UTC" in said
    assert "silenced retries" not in said


def test_an_accepted_finding_says_so() -> None:
    """It is no longer a reason, and the text calls nobody."""
    accepted = replace(GREY, accepted_by="U0BEA")
    because = ("15 checks OK.", "Accepted by U0BEA: Health check (UNKNOWN).")
    found = report(GREEN, accepted, decision=Decision.GO, because=because)
    view = watch(found, notes=(note(NoteKind.ACCEPT, check="health"),))
    message = watch_status(view)
    assert "? UNKNOWN, accepted Health check" in words(message)
    assert "<@" not in message.text
    assert "U0BEA" not in message.text
    assert "<@U0BEA>" in repr(message.coloured)


def test_rollback_and_golives_own_trouble_are_shown() -> None:
    """Trouble of golive is not the application's."""
    view = watch(FOUND, rollback="Declared by Ana at 21:25.", problems=("The store is down.",))
    said = words(watch_status(view, buttons=[ACK]))
    assert "Rollback: Declared by Ana at 21:25." in said
    assert "golive itself\n▲ The store is down." in said
    assert "Acknowledge" in said


def test_before_anything_was_measured() -> None:
    """No verdict is no GO."""
    message = watch_status(watch(None, taken=()))
    assert message.text.startswith("*No verdict yet* · `v2.4.0` · T+30\nNext: pulse (T+40)")
    assert message.colour not in (None, "#009E73")


def test_a_closed_watch_says_who_closed_it() -> None:
    """And counts no minutes any more."""
    closed = replace(DEPLOYMENT, closed_at=NOW, closed_by="U0BEA")
    said = words(watch_status(watch(FOUND, deployment=closed)))
    assert "watch closed" in said.splitlines()[0]
    assert "closed 2026-11-23 21:30 UTC by @U0BEA" in said


def test_one_bar_of_few_blocks() -> None:
    """Slack folds what is longer."""
    message = watch_status(watch(FOUND), buttons=[ACK])
    assert len(message.coloured) <= 5
    assert refusals(message) == []


def test_the_status_outside_a_watch() -> None:
    """All checks, the age of the measurement, what golive cannot do, what to do next."""
    message = live_status(
        FOUND,
        age=timedelta(seconds=40),
        problems=["The history is not available: the store is down."],
        hint="Start a watch with /golive start VERSION.",
    )
    said = words(message)
    assert message.text.startswith("*✖ NO-GO* · the last hour, no watch · measured 40 s ago · ")
    assert "The history is not available" in said
    assert "Start a watch with /golive start VERSION." in said
    assert "✔ OK Rate limiting: 0 of 3342 responses answered 429." in said


def test_nothing_measured_is_grey() -> None:
    """Neither green nor red."""
    found = report(GREY, decision=Decision.MONITOR)
    message = live_status(found, age=timedelta(0))
    assert message.colour == "#999999"
    assert "measured just now" in message.text


def test_a_thousand_checks_are_still_a_message() -> None:
    """The rest is counted and stands in the file."""
    many = [finding(f"check_{n}", Level.WARNING, n) for n in range(1_000)]
    message = watch_status(watch(report(*many)))
    assert refusals(message) == []
    assert "… and 980 more checks, in the file" in words(message)
    assert "980 of 3342" in message.files[0].text
