"""What is typed behind /golive: read strictly, with Slack's markup undone; mistakes are helped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import BY_NAME, COMMANDS, Wrong, entry_of, parse
from bot.commands.asked import (
    Accept,
    Ack,
    Command,
    Diagnose,
    Expect,
    Fix,
    Help,
    Logs,
    Rollback,
    Silence,
    Start,
    Status,
)
from bot.commands.typed import duration_of, words_of
from bot.desk import Role
from bot.render.sentences import say


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Help()),
        ("  ", Help()),
        ("status", Status()),
        ("  STATUS  ", Status()),
        ("start v2.4.0", Start(version="v2.4.0")),
        ("start v2.4.0 10m", Start(version="v2.4.0", ago=timedelta(minutes=10))),
        ("start v2.4.0 1h30m ago", Start(version="v2.4.0", ago=timedelta(minutes=90))),
        ("Start “Release 5” 90S", Start(version="Release 5", ago=timedelta(seconds=90))),
        ('start "10m"', Start(version="10m")),
        ("start `v1`", Start(version="v1")),
        ("start <https://x.io/v1|x.io/v1> 2h", Start(version="x.io/v1", ago=timedelta(hours=2))),
        ("start <https://x.io/v1>", Start(version="https://x.io/v1")),
        ("start a&amp;b", Start(version="a&b")),
        ("logs", Logs(lines=100)),
        ("logs 7", Logs(lines=7)),
        ("ack", Ack()),
        ("accept Campaigns none tonight", Accept(check="campaigns", reason="none tonight")),
        ("accept http-5xx “it’s known”", Accept(check="http_5xx", reason="it's known")),
        (
            "accept retries <@U0OLIVIA001|olivia> knows, see <#C1|ops>",
            Accept(check="retries", reason="@olivia knows, see #ops"),
        ),
        ("silence http_5xx 30m", Silence(check="http_5xx", duration=timedelta(minutes=30))),
    ],
)
def test_what_is_meant(text: str, command: Command) -> None:
    """As it is typed on a phone, pasted, or auto-linked."""
    assert parse(text) == command


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("stauts", "/golive status"),
        ("statsu now", "/golive status"),
        ("xyzzy", "/golive help"),
        ("status now", "Nothing may follow"),
        ("start", "version is missing"),
        ("start 10m", "version is missing"),
        ("start v1 soon", "no duration"),
        ("start v1 25h", "at most 24h"),
        ("start v1 10", "no duration"),
        ("start v1 10m please do", "quote a version"),
        (f"start {'v' * 101}", "at most 100"),
        ("logs 0", "from 1 to 1000"),
        ("logs 99999999999999999999", "from 1 to 1000"),
        ("logs ٣", "no number"),
        ("logs 1 2", "one number"),
        ("accept", "missing"),
        ("accept retries", "reason is missing"),
        ("accept ../x y", "no check's id"),
        (f"accept retries {'x' * 501}", "at most 500"),
        ("silence retries", "a check and a duration"),
        ("silence retries 0s", "at least 1s"),
        ("silence retries 25h", "at most 24h"),
        ("silence retries m", "no duration"),
        ("silence 5xx 5m", "no check's id"),
    ],
)
def test_a_mistake_is_answered_with_the_right_use(text: str, mend: str) -> None:
    """A sentence of what is wrong, and a command that can be typed."""
    wrong = parse(text)
    assert isinstance(wrong, Wrong)
    assert mend in wrong.text
    assert "`/golive " in wrong.text


def test_a_typo_is_not_taken_for_a_command() -> None:
    """`clsoe` closes nothing."""
    assert isinstance(parse("clsoe"), Wrong)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("diagnose 3", Diagnose(incident=3)),
        ("expect inbound", Expect()),
        ("fix reset_messages", Fix(kind="reset_messages")),
        ("fix Reset-Messages Norte", Fix(kind="reset_messages", target="Norte")),
        (
            'fix reset_campaign "Black Friday" restarted',
            Fix(kind="reset_campaign", target="Black Friday", stated=frozenset({"restarted"})),
        ),
        ("fix reset_campaign restarted", Fix(kind="reset_campaign", target="restarted")),
        ("rollback", Rollback()),
    ],
)
def test_diagnosis_and_fixes(text: str, command: Command) -> None:
    """Their arguments, and what is stated besides."""
    assert parse(text) == command


@pytest.mark.parametrize(
    "text", ["diagnose", "diagnose 5", "expect", "expect outbound", "fix", "fix all", "rollback v1"]
)
def test_what_cannot_be_diagnosed_or_fixed_is_said(text: str) -> None:
    """With the right use."""
    assert isinstance(parse(text), Wrong)


def test_members_and_operators() -> None:
    """Every member: status, history, report, diagnose, help, ack. Operators: all else."""
    members = {entry.name for entry in COMMANDS if entry.who is Role.MEMBER}
    assert members == {"status", "history", "report", "diagnose", "help", "ack"}
    assert {entry.who for entry in COMMANDS} == {Role.MEMBER, Role.OPERATOR}
    private = {entry.name for entry in COMMANDS if entry.private}
    assert private == {*("start", "checkpoint", "accept", "silence", "close", "fix", "rollback")}


def test_every_example_is_a_right_use_of_its_own_command() -> None:
    """So that what a mistake is answered with works."""
    for entry in COMMANDS:
        command = parse(entry.example.removeprefix("/golive "))
        assert not isinstance(command, Wrong)
        assert entry_of(command) is entry is BY_NAME[entry.name]


@given(st.text(max_size=200))
def test_any_text_is_a_command_or_a_sentence(text: str) -> None:
    """Nothing that is typed breaks the reading, or the answer to it."""
    read = parse(text)
    if isinstance(read, Wrong):
        assert say(read.text).text
        assert read.text.count("`") % 2 == 0


@given(st.text(max_size=100))
def test_words_hold_no_control_characters(text: str) -> None:
    """Neither those that hide nor those that turn the direction."""
    for word in words_of(text):
        assert not set(word.value) & set("\x00\x1b\u202e\u200b\u2066")


@given(st.integers(0, 999), st.integers(0, 999), st.integers(0, 999))
def test_durations_add_up(hours: int, minutes: int, seconds: int) -> None:
    """In the order of the units, each at most once."""
    span = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert duration_of(f"{hours}h{minutes}m{seconds}s") == span
    assert duration_of(f"{seconds}s{hours}h") is None
