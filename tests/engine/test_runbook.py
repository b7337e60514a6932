"""The runbook that golive ships, and what loading makes of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import checks
from checks.engine.check import Check
from checks.engine.model import Decision
from checks.engine.runbook import (
    CriterionRule,
    CriterionSource,
    Phase,
    RunbookError,
    SchedulePoint,
    lint,
    load_runbook,
    shipped_runbook,
)
from checks.engine.shares import SampleRule
from checks.engine.thresholds import Bound, Op, Threshold
from tests.engine.runbooks import edited, load
from tests.engine.standins import ALL

IDS = (
    "health",
    "http_5xx",
    "auth_errors",
    "unknown_instances",
    "secret_masking",
    "secret_leaks",
    "message_errors",
    "retries",
    "database_activity",
    "connection_stability",
    "inbound_flow",
    "outbound_success",
    "campaigns",
    "rate_limits",
    "tenant_isolation",
    "service_down",
)


def test_shipped_runbook_fits_the_real_checks() -> None:
    """The shipped file loads against the checks that golive has, and contradicts nothing."""
    runbook = load_runbook(checks=checks.CHECKS)
    assert lint(runbook) == ()
    assert not runbook.switched_off
    assert {check for check, _ in runbook.rules} == {check.id for check in checks.CHECKS}


def test_stand_ins_are_the_real_checks() -> None:
    """The names that these tests use are those of the checks."""

    def names(check: Check) -> tuple[set[str], set[str], set[str]]:
        return set(check.quantities), set(check.flags), set(check.params)

    assert {c.id: names(c) for c in ALL} == {c.id: names(c) for c in checks.CHECKS}


def test_checks_stand_in_the_runbooks_order() -> None:
    """The file lists the sixteen checks in the order of the runbook."""
    runbook = load_runbook(checks=ALL)
    assert tuple(dict.fromkeys(check for check, _ in runbook.rules)) == IDS


def test_schedule() -> None:
    """T+0 to T+60, with a pulse in each ten minutes that have no checkpoint."""
    minutes = [
        (0, "baseline", None),
        (5, "health", None),
        (10, "checkpoint", "1"),
        (20, "checkpoint", "2"),
        (30, "checkpoint", "3"),
        (40, "pulse", "3"),
        (50, "pulse", "3"),
        (60, "final", "final"),
    ]
    assert load_runbook(checks=ALL).schedule == tuple(
        SchedulePoint(at=timedelta(minutes=at), run=run, checkpoint=checkpoint)
        for at, run, checkpoint in minutes
    )


def test_decision_and_escalation() -> None:
    """One CRITICAL or three matrix warnings are a NO-GO; two CRITICAL escalate in full."""
    runbook = load_runbook(checks=ALL)
    assert runbook.matrix == (
        "http_5xx",
        "auth_errors",
        "unknown_instances",
        "retries",
        "rate_limits",
    )
    assert (runbook.decision.critical, runbook.decision.matrix_warnings) == (1, 3)
    assert runbook.escalation == 2
    assert runbook.sample == SampleRule(min_sample=10, min_bad=3, confidence=0.95)
    assert runbook.default_window == timedelta(minutes=60)


def test_follow_up() -> None:
    """GO: hourly for 8 h, 4-hourly for 24 h. MONITOR: 15 min for 2 h, hourly. NO-GO: 10 min."""
    assert load_runbook(checks=ALL).follow_up == {
        Decision.GO: (
            Phase(every=timedelta(hours=1), lasts=timedelta(hours=8)),
            Phase(every=timedelta(hours=4), lasts=timedelta(hours=24)),
        ),
        Decision.MONITOR: (
            Phase(every=timedelta(minutes=15), lasts=timedelta(hours=2), decide=True),
            Phase(every=timedelta(hours=1)),
        ),
        Decision.NO_GO: (Phase(every=timedelta(minutes=10)),),
    }


def _criterion(name: str, *sources: tuple[str, str, Op, float]) -> CriterionRule:
    return CriterionRule(
        id=name,
        any_of=tuple(CriterionSource(c, q, Bound(op=op, value=v)) for c, q, op, v in sources),
    )


def test_rollback_criteria() -> None:
    """The four reasons to roll back, with their bounds."""
    assert load_runbook(checks=ALL).rollback_criteria == (
        _criterion("secret_leak", ("secret_leaks", "proven", Op.AT_LEAST, 1)),
        _criterion("tenant_leak", ("tenant_isolation", "crossing", Op.AT_LEAST, 1)),
        _criterion(
            "messages_failing",
            ("outbound_success", "failed_share", Op.ABOVE, 0.5),
            ("message_errors", "outbound_failed_share", Op.ABOVE, 0.5),
        ),
        _criterion("service_down", ("service_down", "minutes_logged", Op.ABOVE, 5)),
    )


def test_success_criteria() -> None:
    """The six conditions of a stable system, with their bounds."""
    assert load_runbook(checks=ALL).success_criteria == (
        _criterion("no_critical"),
        _criterion("inbound_processed", ("inbound_flow", "created", Op.AT_LEAST, 1)),
        _criterion(
            "outbound_sent",
            ("outbound_success", "sent", Op.AT_LEAST, 1),
            ("message_errors", "sent", Op.AT_LEAST, 1),
        ),
        _criterion("no_secret_leaked", ("secret_leaks", "proven", Op.BELOW, 1)),
        _criterion("no_tenant_leak", ("tenant_isolation", "crossing", Op.BELOW, 1)),
        _criterion("error_rate", ("http_5xx", "error_share", Op.BELOW, 0.01)),
    )


@pytest.mark.parametrize(
    ("check", "checkpoint", "final"),
    [
        ("message_errors", 10, 60),
        ("inbound_flow", 10, 60),
        ("outbound_success", 60, 60),
        ("http_5xx", None, None),
    ],
)
def test_windows(check: str, checkpoint: int | None, final: int | None) -> None:
    """Only three checks look at less than everything since the deploy."""
    runbook = load_runbook(checks=ALL)
    spans = [None if m is None else timedelta(minutes=m) for m in (checkpoint, checkpoint, final)]
    assert [rule.window for name in ("1", "3", "final") if (rule := runbook.rule(check, name))] == (
        spans
    )


def test_params() -> None:
    """The numbers that checks need besides thresholds."""
    runbook = load_runbook(checks=ALL)
    given = {check: rule.params for (check, _), rule in runbook.rules.items() if rule.params}
    assert given == {
        "message_errors": {"settle_seconds": 60},
        "connection_stability": {
            "grace_seconds": 120,
            "flap_disconnects": 3,
            "pairing_seconds": 300,
        },
        "outbound_success": {"waiting_seconds": 60},
        "campaigns": {"still_seconds": 600, "overdue_seconds": 600},
        "service_down": {"least_responses": 3, "least_touched": 2},
    }


def test_every_number_has_its_origin() -> None:
    """Each line of the shipped file that holds a number says in a comment where it is from."""
    text = shipped_runbook().read_text(encoding="utf-8")
    body = text[: text.index("\nlog:\n")]
    bare = [
        line
        for line in body.splitlines()
        if any(char.isdigit() for char in line.split("#")[0])
        and "says:" not in line
        and not line.split("#")[0].strip().endswith(":")  # a key such as http_5xx
        and not line.strip().startswith("- http_5xx")
        and " # " not in line
    ]
    assert bare == []


def test_a_bound_is_a_number_or_a_comparison() -> None:
    """`6` means 6 or more; a comparison says otherwise."""
    runbook = load(edited(("        warning: 3 ", "        warning: {above: 2} ")))
    rule = runbook.rule("http_5xx", "1")
    assert rule is not None
    assert rule.thresholds == (
        Threshold(
            quantity="value",
            warning=Bound(op=Op.ABOVE, value=2),
            critical=Bound(op=Op.AT_LEAST, value=6),
            says="5xx responses",
        ),
    )


def test_switched_off_check_has_no_rule() -> None:
    """A check that is switched off has no rule at any checkpoint, and its reason is kept."""
    text = edited(("  retries:\n", "  retries:\n    enabled: false\n    reason: no sends yet\n"))
    runbook = load(text)
    assert [runbook.rule("retries", name) for name in ("1", "2", "3", "final")] == [None] * 4
    assert runbook.switched_off == {"retries": "no sends yet"}


def test_switched_off_check_needs_no_thresholds() -> None:
    """Switching a check off takes two lines."""
    start = "  retries:\n"
    text = edited((start, f"{start}    enabled: false\n    reason: no sends\n  old_retries:\n"))
    head, _, rest = text.partition("  old_retries:\n")
    text = head + rest[rest.index("\n  database_activity:") :]
    assert load(text).switched_off == {"retries": "no sends"}


def test_unknown_names_are_no_rule() -> None:
    """Asking for a check or a checkpoint that does not exist is an error, not None."""
    runbook = load_runbook(checks=ALL)
    with pytest.raises(KeyError):
        runbook.rule("http_5xx", "4")
    with pytest.raises(KeyError):
        runbook.rule("http_6xx", "1")


@pytest.mark.parametrize(
    ("make", "reason"),
    [("missing", "No such file or directory"), ("folder", "Is a directory")],
)
def test_unreadable_file(tmp_path: Path, make: str, reason: str) -> None:
    """A path that cannot be read is a runbook error with the path and the reason."""
    path = tmp_path / "runbook.yaml"
    if make == "folder":
        path.mkdir()
    with pytest.raises(RunbookError) as caught:
        load_runbook(path, checks=ALL)
    assert str(caught.value) == (
        "The runbook cannot be used: 1 error.\n"
        f"  {path}: cannot be read: {reason}. Check the path and its permissions."
    )


def test_file_from_a_path(tmp_path: Path) -> None:
    """A runbook of one's own is read from where it lies, also with Windows line ends and a BOM."""
    path = tmp_path / "own.yaml"
    text = edited(("min_sample: 10", "min_sample: 25"))
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load_runbook(path, checks=ALL).sample.min_sample == 25
