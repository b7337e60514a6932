"""The final review: numbers, matrix, criteria, what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.render.message import Message, Picture
from bot.render.review import cadence, final_review, matrix, next_steps, totals
from bot.render.wire import payload
from checks.engine.model import Decision, Level, Problem
from tests.render.slack_says import refusals
from tests.render.watches import (
    ACK,
    AMBER,
    GREEN,
    GREY,
    RED,
    finding,
    point,
    report,
    runbook,
    taken,
    watch,
    words,
)

RUNBOOK = runbook()
FOUND = report(
    RED,
    finding("auth_errors", Level.OK, 4, threshold={"warning": 20, "critical": 51}),
    GREY,
    AMBER,
    GREEN,
    minutes={"inbound_created": {3: 700}, "send_ok": {4: 534}},
)
PICTURE = Picture(name="hour.png", alt="5xx: 76 in all.", png=b"png")


def _review(found: Any = FOUND, **more: Any) -> Message:
    at = point(60, "final", "final")
    return final_review(watch(found), taken(at, found=found, late=0), RUNBOOK, **more)


def _rows(message: Message) -> list[list[str]]:
    (table,) = [block for block in message.coloured if block["type"] == "table"]
    rows: Any = table["rows"]
    return [[cell["text"] for cell in row] for row in rows]


def test_the_verdict_comes_first_with_its_reason_and_what_to_do() -> None:
    """Nobody has to scroll at three in the morning."""
    lines = _review().text.splitlines()
    assert lines[0] == (
        "*✖ NO-GO* · `v2.4.0` · final review (T+60) · roll back, or fix what is red"
    )
    assert lines[1].startswith("HTTP 5xx: 76")


def test_the_matrix_shows_value_bounds_and_level() -> None:
    """As the runbook writes them; what was not measured is no zero."""
    rows = _rows(_review())
    assert rows[0] == ["Metric", "Value", "OK", "Warning", "Critical", "Level"]
    assert ["HTTP 5xx", "76", "0–5", "6–15", "> 15", "✖ CRITICAL"] in rows
    assert ["Authentication errors", "4", "0–19", "20–50", "> 50", "✔ OK"] in rows
    assert ["unknown_instances", "–", "–", "–", "–", "not measured"] in rows


def test_a_switched_off_metric_is_said_to_be() -> None:
    """It is not missing."""
    off = replace(RUNBOOK, switched_off={"retries": "Not used here."})
    found = report(RED)
    assert "switched off" in repr(matrix(found, off))


def test_the_hours_totals_are_the_runbooks_summary() -> None:
    """Six numbers; an unknown one is not known."""
    lines = totals(FOUND)
    assert "5xx errors: *76*" in lines
    assert "401/403: *4*" in lines
    assert "Unknown instances: *not known*" in lines
    assert "Messages processed: *1,234*" in lines
    blind = replace(
        FOUND.evidence.log, problem=Problem(what="There is no log.", mend="Give it one.")
    )
    assert "Messages processed: *not known*" in totals(report(log=blind))


def test_each_criterion_is_met_not_met_or_not_verified_and_why() -> None:
    """Success and rollback."""
    said = words(_review())
    assert "✖ No CRITICAL at any checkpoint: not met. HTTP 5xx is CRITICAL." in said
    assert "✔ An inbound message was processed: met. 12 created." in said
    assert "? An outbound message was sent: not verified. The database was not asked." in said
    assert "✔ Secrets leaked: not met. None was found." in said


def test_what_follows_is_the_runbooks_cadence() -> None:
    """For each decision its own."""
    follow = RUNBOOK.follow_up
    assert (
        cadence(follow[Decision.GO]) == "golive looks every 1 h for 8 h, then every 4 h for 24 h."
    )
    assert cadence(follow[Decision.MONITOR]) == (
        "golive looks every 15 min for 2 h and decides again,"
        " then every 1 h until the watch is closed."
    )
    assert cadence(()) == "golive stops looking."
    assert "Roll back now" in next_steps(Decision.NO_GO, RUNBOOK)[0]


def test_the_picture_stands_in_the_message() -> None:
    """By its file; by its words where it could not be uploaded."""
    message = _review(picture=PICTURE, buttons=[ACK])
    assert refusals(message) == []
    assert "'slack_file': {'id': 'F123'}" in repr(payload(message, {0: "F123"}))
    lost = repr(payload(message, {}))
    assert "The picture could not be uploaded." in lost
    assert "5xx: 76 in all." in lost
    assert "picture:0" not in lost


def test_a_watch_without_a_report_still_says_what_it_is() -> None:
    """There is no verdict then."""
    at = taken(point(60, "final", "final"), None)
    assert final_review(watch(None), at, RUNBOOK).text.startswith("*No verdict yet*")
