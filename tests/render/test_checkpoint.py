"""What the points of a watch post: checkpoint, follow-up, pulse, health, start."""

from __future__ import annotations

from dataclasses import replace

from bot.render.baseline import baseline_message, health_message
from bot.render.checkpoint import checkpoint_message
from bot.render.closing import watch_closed
from bot.render.findings import curve
from bot.render.pulse import pulse_message, worse_findings
from checks.engine.model import Decision, Level, Problem
from tests.render.watches import (
    ACK,
    AMBER,
    GREEN,
    GREY,
    RED,
    finding,
    point,
    report,
    taken,
    watch,
    words,
)

TENANTS = finding("tenant_isolation", summary="No row crosses tenants.")
FOUND = report(TENANTS, GREEN, GREY, AMBER, RED, minutes={"http_5xx": {0: 1, 10: 0, 29: 75}})


def test_its_own_checks_come_first_the_earlier_ones_short() -> None:
    """Checkpoint 3 owns rate limits and tenants; what is not OK keeps its line."""
    said = words(checkpoint_message(watch(FOUND), taken(point(30), found=FOUND), buttons=[ACK]))
    own, _, earlier = said.partition("Earlier checks")
    assert "Checks of checkpoint 3" in own
    assert "✔ OK Tenant isolation: No row crosses tenants." in own
    assert "✖ CRITICAL HTTP 5xx" in earlier
    assert "Rate limiting" not in earlier


def test_the_evidence_of_what_is_not_ok_is_shown_as_it_is() -> None:
    """In a block that interprets nothing."""
    message = checkpoint_message(watch(FOUND), taken(point(30), found=FOUND))
    logs = [block for block in message.coloured if block["type"] == "rich_text"]
    assert "HTTP 5xx:\\n  [INFO] [RES] POST /messages 500" in repr(logs)


def test_long_evidence_goes_into_a_file() -> None:
    """The message says how much."""
    red = [replace(RED, check=f"c{n}", evidence=("a line",) * 5) for n in range(9)]
    found = report(*red)
    message = checkpoint_message(watch(found), taken(point(30), found=found))
    assert "… and 36 more lines, in the file" in words(message)
    assert message.files[0].text.count("a line") == 45


def test_late_and_after_a_restart() -> None:
    """In the first line, because it changes what the numbers mean."""
    late = taken(point(30), found=FOUND, late=22)
    first = checkpoint_message(watch(FOUND), late, restarted=True).text.splitlines()[0]
    assert "· 22 min late · taken after a restart ·" in first


def test_what_comes_next_stands_in_the_fine_print() -> None:
    """In the reader's zone."""
    (fine,) = [
        b
        for b in checkpoint_message(watch(FOUND), taken(point(30), found=FOUND)).coloured
        if b["type"] == "context"
    ]
    assert "Next: pulse (T+40) at <!date^" in repr(fine)


def test_a_follow_up_shows_what_is_not_ok() -> None:
    """And the rest in one line."""
    at = point(75, "follow-up", "final")
    said = words(checkpoint_message(watch(FOUND), taken(at, found=FOUND)))
    assert said.startswith("✖ NO-GO · v2.4.0 · follow-up (T+75)")
    assert "Not OK\n✖ CRITICAL HTTP 5xx" in said
    assert "✔ OK: Tenant isolation 0, Rate limiting 0" in said


def test_checks_that_are_unknown_for_one_reason_share_a_line() -> None:
    """One missing database is one thing to mend."""
    problem = Problem(what="No database was given.", mend="Give one.")
    blind = [
        finding(check, Level.UNKNOWN, unknown=problem)
        for check in ("database_activity", "connection_stability")
    ]
    found = report(*blind, GREY)
    said = words(checkpoint_message(watch(found), taken(point(30), found=found)))
    assert "? UNKNOWN Database activity, Connection stability: No database was given." in said
    assert "? UNKNOWN Health check: No BASE_URL was given." in said


def test_the_curve_is_of_the_window_and_shows_one_event() -> None:
    """Nothing is the lowest bar, one event is above it; without times there is none."""
    bars = curve("http_5xx", FOUND)
    assert len(bars) == 30
    assert bars[0] == "▂"
    assert bars[1] == "▁"
    assert bars[-1] == "█"
    untimed = replace(
        FOUND, evidence=replace(FOUND.evidence, log=replace(FOUND.evidence.log, timed=False))
    )
    assert curve("http_5xx", untimed) == ""
    assert curve("tenant_isolation", FOUND) == ""


def test_changes_are_told_with_their_direction() -> None:
    """Up, down, the same."""
    before = report(
        replace(TENANTS, value=2), replace(RED, value=70), replace(AMBER, value=7), GREY, GREEN
    )
    view = watch(FOUND, previous=before)
    said = words(checkpoint_message(view, taken(point(30), found=FOUND)))
    assert "No row crosses tenants.  (warn ≥ 6, crit ≥ 16)  ↓ 2" in said
    assert "answered 429.  (warn ≥ 6, crit ≥ 16)  =" in said


def test_a_pulse_posts_only_what_got_worse() -> None:
    """A check that was bad before is no news."""
    before = report(TENANTS, GREEN, GREY, AMBER, replace(RED, level=Level.OK))
    view = watch(FOUND, previous=before)
    assert [f.check for f in worse_findings(FOUND, before)] == ["http_5xx"]
    said = words(pulse_message(view, taken(point(40, "pulse"), found=FOUND)))
    assert "T+40 · 1 got worse" in said.splitlines()[0]
    assert "✖ CRITICAL HTTP 5xx" in said
    assert "was OK" in said
    assert "Outbound retries" not in said


def test_the_health_post_says_healthy_or_what_to_do() -> None:
    """By symbol, word and colour."""
    fine = finding("health", Level.OK, 0, summary="200 after 0.03 s.")
    ill = finding("health", Level.CRITICAL, 1, summary="No 200 in 3 tries.")
    at = point(5, "health", None)
    good = health_message(watch(report(fine)), taken(at, None, found=report(fine)))
    bad = health_message(watch(report(ill)), taken(at, None, found=report(ill)))
    assert good.text == "*✔ Healthy* · `v2.4.0` · T+5 · nothing to do\n200 after 0.03 s."
    assert bad.text.startswith("*✖ Not healthy*")
    assert "CRITICAL" in words(bad)
    assert good.colour != bad.colour


def test_the_first_post_says_what_is_recorded_what_comes_and_what_cannot_be_seen() -> None:
    """With the mend."""
    blind = Problem(what="No database was given.", mend="Set GOLIVE_DATABASE_URL.")
    message = baseline_message(watch(None), recorded=["12 units are connected."], cannot=[blind])
    said = words(message)
    assert said.startswith("Watch started · v2.4.0 · T+30 · ▲ some checks cannot look yet")
    assert "? No database was given. Set GOLIVE_DATABASE_URL." in said
    assert "· T+60 22:00 UTC final review" in said
    assert "• 12 units are connected." in said


def test_a_watch_that_sees_everything_says_so() -> None:
    """Without a list of problems."""
    said = words(baseline_message(watch(report(GREEN, decision=Decision.GO))))
    assert "everything can be looked at" in said
    assert "Cannot look at" not in said


def test_the_end_says_how_it_stood() -> None:
    """And that nobody looks any more."""
    said = words(watch_closed(watch(FOUND)))
    assert "Watch closed" in said
    assert "last verdict ✖ NO-GO" in said
