"""Contradictions that lint reports in a runbook that loads."""

from __future__ import annotations

import pytest

from checks.engine.runbook import lint, load_runbook
from tests.engine.runbooks import edited, notes, said, shipped
from tests.engine.standins import ALL

FINAL_W6 = "        warning: 6  # runbook 13, matrix: 6–15"
FINAL_C16 = "        critical: 16  # runbook 13, matrix: > 15"
SECRET = "{check: secret_leaks, quantity: proven, at_least: 1}"
CROSSING = "{check: tenant_isolation, quantity: crossing, at_least: 1}"
NO_LEAK = "{check: secret_leaks, quantity: proven, below: 1}"
OFF = "    enabled: false\n    reason: not now\n"

NOTES = {
    "a level that only the checkpoints have": (
        (f"{FINAL_W6}\n{FINAL_C16}", FINAL_W6[: FINAL_W6.index("6")] + "6"),
        "checks.http_5xx.checkpoint.value: has a critical bound only here;"
        " give it in the other column too",
        "value:",
    ),
    "a level that only the final review has": (
        ("        warning: 3  # runbook 1: warning 3–5\n", ""),
        "checks.http_5xx.final.value: has a warning bound only here;"
        " give it in the other column too",
        "value:",
    ),
    "a final review that is stricter": (
        (FINAL_W6, FINAL_W6.replace("6", "2", 1)),
        "checks.http_5xx.final.value.warning: the final review is stricter (at least 2) than the"
        " checkpoints (at least 3), although the count runs since the deploy",
        "warning: 2",
    ),
    "a final review whose critical is stricter": (
        (
            f"{FINAL_W6}\n{FINAL_C16}",
            "        warning: 4\n        critical: 5",
        ),
        "checks.http_5xx.final.value.critical: the final review is stricter (at least 5) than the"
        " checkpoints (at least 6), although the count runs since the deploy",
        "critical: 5",
    ),
    "an age that does not fit the window": (
        ("      settle_seconds: 60 ", "      settle_seconds: 600 "),
        "checks.message_errors.params.settle_seconds: is 600 s, but the window (checkpoint) is only"
        " 600 s, so nothing can be that old",
        "settle_seconds: 600",
    ),
    "a window longer than a follow-up's": (
        ("    window: 60m", "    window: 2h"),
        "checks.outbound_success.window: is longer (final) than default_window,"
        " which a follow-up looks at",
        "window: 2h",
    ),
    "a reason for a check that is on": (
        ("  retries:\n", "  retries:\n    reason: not now\n"),
        "checks.retries.reason: gives a reason, but the check is switched on;"
        " add enabled: false, or drop it",
        "reason: not now",
    ),
    "a database asked more often than anything": (
        ("  database_every: 2m ", "  database_every: 20s "),
        "between.database_every: is shorter than every (30 s)",
        "database_every: 20s",
    ),
    "a cause that calls again before it can be over": (
        ("  mention_every: 15m ", "  mention_every: 4m "),
        "between.mention_every: is shorter than over_after (300 s)",
        "mention_every: 4m",
    ),
    "a matrix metric that is switched off": (
        ("  retries:\n", f"  retries:\n{OFF}"),
        "decision.matrix[3]: retries is a matrix metric but switched off",
        "- retries",
    ),
    "a matrix metric that never warns": (
        ("    - rate_limits\n", "    - health\n"),
        "decision.matrix[4]: health is a matrix metric but has no warning bound",
        "- health",
    ),
    "more warnings than matrix metrics": (
        ("matrix_warnings: 3", "matrix_warnings: 6"),
        "decision.matrix_warnings: 6 warnings can never come together: 5 matrix metrics can warn",
        "matrix_warnings: 6",
    ),
    "more CRITICAL than checks for a NO-GO": (
        ("decision:\n  critical: 1", "decision:\n  critical: 17"),
        "decision.critical: 17 CRITICAL can never come together: 16 checks can be so",
        "critical: 17",
    ),
    "more CRITICAL than checks for an escalation": (
        ("escalation:\n  critical: 2", "escalation:\n  critical: 17"),
        "escalation.critical: 17 CRITICAL can never come together: 16 checks can be so",
        "critical: 17",
    ),
    "an escalation before the NO-GO": (
        ("decision:\n  critical: 1", "decision:\n  critical: 3"),
        "escalation.critical: 2 CRITICAL would be escalated in full although it takes 3 for a"
        " NO-GO (decision.critical)",
        "critical: 2",
    ),
    "a criterion without an enabled check": (
        ("  tenant_isolation:\n", f"  tenant_isolation:\n{OFF}"),
        "rollback.tenant_leak: no enabled check stands behind it (tenant_isolation: switched off)",
        "tenant_leak:",
    ),
    "a criterion that is missing": (
        (f"  tenant_leak:\n    any_of:\n      - {CROSSING}", "  # none"),
        "rollback: tenant_leak is missing, so nothing ever meets it",
        "rollback:",
    ),
    "a rollback while the check is OK": (
        (SECRET, SECRET.replace("at_least: 1", "above: 0").replace("proven", "attempted")),
        "rollback.secret_leak.any_of[0]: is met (above 0) where secret_leaks is not CRITICAL at"
        " the checkpoints (critical: no bound)",
        "- {check: secret_leaks",
    ),
    "a rollback before CRITICAL": (
        ("quantity: failed_share, above: 0.5}", "quantity: failed_share, above: 0.07}"),
        "rollback.messages_failing.any_of[0]: is met (above 0.07) where outbound_success is not"
        " CRITICAL at the checkpoints (critical: above 0.1)",
        "- {check: outbound_success",
    ),
    "a rollback before CRITICAL of the final review only": (
        (SECRET, "{check: retries, quantity: value, above: 25}"),
        "rollback.secret_leak.any_of[0]: is met (above 25) where retries is not CRITICAL at"
        " the final review (critical: at least 31)",
        "- {check: retries",
    ),
    "a rollback that is always met": (
        (SECRET, SECRET.replace("at_least: 1", "at_least: 0")),
        "rollback.secret_leak.any_of[0]: every value of proven meets this (at least 0)",
        "- {check: secret_leaks",
    ),
    "a success while the check is CRITICAL": (
        (NO_LEAK, NO_LEAK.replace("below: 1", "below: 5")),
        "success.no_secret_leaked.any_of[0]: is met (below 5) where secret_leaks is CRITICAL at"
        " the checkpoints (critical: at least 1)",
        "- {check: secret_leaks, quantity: proven, below: 5}",
    ),
    "a success that is a reason to roll back": (
        (NO_LEAK, NO_LEAK.replace("below: 1", "below: 5")),
        "success.no_secret_leaked.any_of[0]: is met (below 5) by values that also meet the"
        " rollback criterion secret_leak (at least 1)",
        "- {check: secret_leaks, quantity: proven, below: 5}",
    ),
    "a follow-up that never looks": (
        ("{every: 4h, lasts: 24h}", "{every: 25h, lasts: 24h}"),
        "follow_up.GO[1].every: is longer than the stretch lasts: it never looks",
        "- {every: 25h",
    ),
    "a follow-up that is cut off": (
        ("{every: 4h, lasts: 24h}", "{every: 5h, lasts: 24h}"),
        "follow_up.GO[1].lasts: is no multiple of every, so the last look is cut off",
        "- {every: 5h",
    ),
    "a follow-up that is never reached": (
        ("{every: 1h, lasts: 8h}", "{every: 1h}"),
        "follow_up.GO[0]: lasts until the watch is closed: what follows never comes",
        "- {every: 1h}",
    ),
    "a decision at no end": (
        ("{every: 15m, lasts: 2h, then: decide}", "{every: 15m, then: decide}"),
        "follow_up.MONITOR[0].then: decides at its end, but has none; give it lasts: …",
        "- {every: 15m",
    ),
    "a follow-up that gets more frequent": (
        ("{every: 4h, lasts: 24h}", "{every: 30m, lasts: 24h}"),
        "follow_up.GO[1].every: looks more often than the stretch before it,"
        " although time has passed",
        "- {every: 30m",
    ),
    "a NO-GO that is watched less than a MONITOR": (
        ("{every: 10m}", "{every: 20m}"),
        "follow_up.NO-GO[0].every: is looked at less often than MONITOR, which is better",
        "- {every: 20m}",
    ),
    "two signals with one pattern": (
        ("'^EVENT sent', example: 'EVENT sent'", "'^EVENT retry [0-9]+', example: 'EVENT retry 2'"),
        "log.profiles.plain.signals.send_ok.pattern: is also the pattern of retry:"
        " one event would count as both",
        "send_ok:",
    ),
}


@pytest.mark.parametrize(("edit", "sentence", "line"), NOTES.values(), ids=NOTES)
def test_contradictions(edit: tuple[str, str], sentence: str, line: str) -> None:
    """The contradiction is named in a sentence, at the line where it stands."""
    text = edited(edit)
    found = [shown for what, shown in said(text, notes(text)) if what == sentence]
    assert found, notes(text)
    assert found[0].startswith(line)


def test_shipped_runbook_contradicts_nothing() -> None:
    """What golive ships is without a note, with its own log profiles and with others."""
    assert lint(load_runbook(checks=ALL)) == ()
    assert notes(shipped()) == ()


@pytest.mark.parametrize(
    "edit",
    [
        ("quantity: failed_share, above: 0.5}", "quantity: failed_share, above: 0.9}"),
        (FINAL_W6, FINAL_W6.replace("6", "7", 1)),
        ("  database_activity:\n", f"  database_activity:\n{OFF}"),
        ("{every: 10m}", "{every: 5m}"),
        (
            "  messages_failing:\n",
            f"  more:\n    any_of:\n      - {CROSSING}\n  messages_failing:\n",
        ),
    ],
    ids=[
        "a rollback later than CRITICAL",
        "a final review that is more lenient",
        "a check switched off that nothing rests on",
        "a closer watch after a NO-GO",
        "a criterion of one's own",
    ],
)
def test_what_may_be_changed(edit: tuple[str, str]) -> None:
    """A runbook of one's own is not nagged about what contradicts nothing."""
    assert notes(edited(edit)) == ()


def test_one_source_of_two_may_be_switched_off() -> None:
    """A criterion that another check still answers for is no contradiction."""
    text = edited(("  outbound_success:\n", f"  outbound_success:\n{OFF}"))
    assert notes(text) == ()


def test_a_note_names_path_and_line() -> None:
    """A note is printed as an error is: path, line, place, sentence."""
    text = edited(("{every: 10m}", "{every: 20m}"))
    line = next(i for i, at in enumerate(text.splitlines(), 1) if "every: 20m" in at)
    (note,) = notes(text)
    assert str(note) == (
        f"conf/runbook.yaml:{line}: follow_up.NO-GO[0].every:"
        " is looked at less often than MONITOR, which is better"
    )
    assert (note.line, note.where) == (line, "follow_up.NO-GO[0].every")


def test_notes_come_in_the_order_of_the_file() -> None:
    """Several contradictions are listed together, from top to bottom."""
    text = edited(
        ("{every: 10m}", "{every: 20m}"),
        ("matrix_warnings: 3", "matrix_warnings: 6"),
        (FINAL_W6, FINAL_W6.replace("6", "2", 1)),
    )
    assert [note.where for note in notes(text)] == [
        "checks.http_5xx.final.value.warning",
        "decision.matrix_warnings",
        "follow_up.NO-GO[0].every",
    ]
