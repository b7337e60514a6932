"""Who is called, where the call stands, and what it brings along."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.render.alarm import (
    acknowledged,
    affected_words,
    calling,
    escalation,
    reminder,
    undecided,
)
from bot.render.message import Message, Picture
from bot.render.status import watch_status
from bot.watch.model import Affected, Alarm, NoteKind
from tests.render.slack_says import refusals
from tests.render.watches import ACK, AMBER, RED, note, report, watch, words

FOUND = report(RED, AMBER)
VIEW = watch(FOUND)
ALARM = Alarm(key="k", kind="rollback", title="Secrets in the log", criteria=("secret_leak",))
LEAD = "<!subteam^S0LEADS>"
LIVE = "hunter2hunter2hunter2"


def _escalate(**more: Any) -> Message:
    given: dict[str, Any] = {
        "lead": LEAD,
        "affected": Affected(units=2, contacts=1_234),
        "links": {"Logs": "https://logs.example/x", "Rollback": "https://wiki.example/back"},
        "lines": [f"line {n}" for n in range(80)],
        "picture": Picture(name="hour.png", alt="The hour.", png=b"png"),
        "buttons": [ACK],
    }
    return escalation(VIEW, ALARM, **(given | more))


def test_the_lead_is_called_in_the_text_and_nowhere_else() -> None:
    """A mention in a coloured bar calls nobody."""
    message = _escalate()
    first = message.text.splitlines()[0]
    assert first == (
        f"*✖ NO-GO* · `v2.4.0` · T+30 · Secrets in the log · roll back, or fix what is red {LEAD}"
    )
    assert LEAD not in repr(message.coloured)
    assert refusals(message) == []


def test_it_says_issue_affected_users_and_rollback_status() -> None:
    """The runbook asks for these three."""
    said = words(_escalate())
    assert "Issue: Secrets in the log" in said
    assert "Rollback criterion met: Secrets leaked" in said
    assert "Affected: 2 units, 1,234 contacts" in said
    assert "Rollback: not started" in said
    assert "✖ CRITICAL HTTP 5xx" in said


def test_the_last_fifty_lines_come_along_and_no_others() -> None:
    """Masked, the newest at the end."""
    said = words(_escalate(lines=[*(f"line {n}" for n in range(80)), LIVE], secrets=[LIVE]))
    assert "line 79\n[MASKED]" in said
    assert "line 31" in said
    assert "line 30" not in said


def test_long_lines_are_in_the_file_in_full() -> None:
    """The message keeps the newest."""
    message = _escalate(lines=[f"line {n} {'x ' * 150}" for n in range(50)])
    assert "line 49 " in words(message)
    assert "in the file" in words(message)
    assert "line 0 " in message.files[0].text


def test_links_and_picture_are_part_of_it() -> None:
    """One row of links, one image."""
    message = _escalate()
    assert "<https://logs.example/x|Logs> · <https://wiki.example/back|Rollback>" in repr(
        message.coloured
    )
    assert [b["type"] for b in message.coloured].count("image") == 1


def test_what_could_not_be_counted_is_said() -> None:
    """Nothing is not zero."""
    assert affected_words(Affected(units=None, contacts=None)) == "could not be counted"
    assert affected_words(Affected(units=1, contacts=None)) == (
        "1 unit, contacts could not be counted"
    )
    assert affected_words(Affected(units=0, contacts=1)) == "0 units, 1 contact"


def test_nobody_to_call_is_said() -> None:
    """An alarm that reaches nobody must not look like one that does."""
    assert "Nobody is called: GOLIVE_LEAD is not set." in _escalate(lead=None).text
    assert "Nobody is called" in calling(watch_status(VIEW), None).text


def test_a_new_no_go_calls_in_its_own_post() -> None:
    """In the first line; the rest stays as it is."""
    message = watch_status(VIEW)
    called = calling(message, "U0LEAD")
    assert called.text.splitlines()[0].endswith(" <@U0LEAD>")
    assert called.text.splitlines()[1:] == message.text.splitlines()[1:]


def test_the_reminder_says_how_long_nobody_answered() -> None:
    """And that it is the last."""
    message = reminder(VIEW, ALARM, lead="U0LEAD", waited=timedelta(minutes=5), buttons=[ACK])
    assert "not acknowledged for 5 min" in message.text.splitlines()[0]
    assert message.text.splitlines()[0].endswith("<@U0LEAD>")
    assert "golive does not call again" in words(message)


def test_an_acknowledgement_names_who_is_on_it() -> None:
    """The watch goes on."""
    message = acknowledged(VIEW, ALARM, note(NoteKind.ACK, reason="looking at it"))
    assert message.text.startswith("*Acknowledged* · `v2.4.0` · Secrets in the log · <@U0BEA>")
    assert "looking at it" in message.text


def test_a_monitor_that_stays_is_put_before_the_lead() -> None:
    """With the two ways out."""
    message = undecided(VIEW, lead=LEAD, waited=timedelta(hours=3), buttons=[ACK])
    first = message.text.splitlines()[0]
    assert "MONITOR* · `v2.4.0` · still open after 3 h · accept or close" in first
    assert first.endswith(LEAD)
    assert "/golive accept CHECK REASON" in words(message)
