"""Who is called, where the call stands, and what it brings along."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        "affected": Affected(units=2, of_units=4, names=("alfa", "beta"), contacts=1_234),
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
    assert "Affected: 2 of 4 units (alfa, beta), 1,234 contacts" in said
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


@pytest.mark.parametrize(
    ("affected", "said"),
    [
        (Affected(), "cannot be counted: nothing tells whom it touches"),
        (Affected(not_counted=("a", "b", "c")), "cannot be counted: a; b"),
        (
            Affected(everybody="no request was answered for 6 min"),
            "everybody: no request was answered for 6 min",
        ),
        (Affected(units=1), "1 unit"),
        (Affected(units=1, of_units=3, names=("alfa",)), "1 of 3 units (alfa)"),
        (Affected(units=5, of_units=9, names=tuple("abcde")), "5 of 9 units (a, b, c, d, …)"),
        (Affected(units=7, of_units=2), "7 units"),
        (Affected(contacts=1, clients=12), "1 contact, 12 clients"),
        (
            Affected(clients=1, not_counted=("why",)),
            "1 client; beyond that it cannot be counted: why",
        ),
    ],
)
def test_whom_it_touches_is_said_without_a_zero(affected: Affected, said: str) -> None:
    """Nothing is not zero: what was not counted is said, and why."""
    assert affected_words(affected) == said


@given(
    affected=st.builds(
        Affected,
        units=st.integers(0, 3),
        of_units=st.none() | st.integers(0, 3),
        contacts=st.integers(0, 3),
        clients=st.integers(0, 3),
    )
)
def test_zero_is_never_said(affected: Affected) -> None:
    """Whatever was counted."""
    assert re.search(r"\b0 (of|units?|contacts?|clients?)\b", affected_words(affected)) is None


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
