"""Probes side by side, each in its time; the environment; the clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.doctor.clocks import Span, clock_line, date_header
from bot.doctor.environment import look_at_environment, look_at_runbook
from bot.doctor.examine import Probe, examine
from bot.doctor.model import Line, Status, ok
from bot.settings import Settings
from tests.bot.doctor.lines import bad, saying, statuses

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
HERE = Span(before=NOW, after=NOW + timedelta(seconds=1))


# --- probes -------------------------------------------------------------------------------------


async def test_probes_run_at_once_and_stay_in_order() -> None:
    """Each of three waits for the others to have begun; the parts keep their order."""
    together = asyncio.Barrier(3)

    def probe(area: str) -> Probe:
        async def test() -> Sequence[Line]:
            await together.wait()
            return [ok(f"{area}.")]

        return Probe(area=area, test=test)

    found = await examine([probe(area) for area in ("One", "Two", "Three")])
    assert [part.area for part in found.parts] == ["One", "Two", "Three"]
    assert not found.failed


async def test_a_probe_that_hangs_has_failed() -> None:
    """One that does not end takes nothing from the others."""

    async def hang() -> Sequence[Line]:
        await asyncio.Event().wait()
        return []

    async def fine() -> Sequence[Line]:
        return [ok("Fine.")]

    found = await examine(
        [Probe(area="Slow", test=hang), Probe(area="Quick", test=fine)], limit=timedelta()
    )
    assert found.failed
    slow, quick = found.parts
    assert slow.lines[0].what == "It was not done within 0 s."
    assert len(quick.lines) == 1


async def test_secrets_are_hidden() -> None:
    """What turns up in a line all the same is masked; a short one is left in ordinary words."""

    async def told() -> Sequence[Line]:
        return [ok("The password is hunter2-hunter2, and not fine.")]

    probes = [Probe(area="Talkative", test=told)]
    found = await examine(probes, secrets=("hunter2-hunter2", "fine"))
    (line,) = found.parts[0].lines
    assert line.what == "The password is [MASKED], and not fine."


# --- environment --------------------------------------------------------------------------------


def test_nothing_is_set() -> None:
    """Without anything to look at doctor fails, and the bot is merely not configured."""
    lines = look_at_environment(Settings.from_environment({}))
    assert [line.status for line in lines] == [Status.FAILED, Status.SKIPPED]


def test_half_a_bot() -> None:
    """Once one of the bot's variables is set, each that is missing has failed."""
    lines = look_at_environment(
        Settings.from_environment({"GOLIVE_LOG": "/a", "SLACK_BOT_TOKEN": "xoxb-" + "1" * 20})
    )
    assert {line.what.split()[0] for line in bad(lines)} == {
        "Neither",
        "GOLIVE_CHANNEL",
        "GOLIVE_STORE_URL",
    }
    assert all(line.mend for line in bad(lines))


def test_a_whole_bot() -> None:
    """With everything set all is fine."""
    lines = look_at_environment(
        Settings.from_environment(
            {
                "GOLIVE_LOG": "/a",
                "SLACK_BOT_TOKEN": "xoxb-" + "1" * 20,
                "SLACK_APP_TOKEN": "xapp-" + "1" * 20,
                "GOLIVE_CHANNEL": "C0123456789",
                "GOLIVE_STORE_URL": "postgresql:///store",
            }
        )
    )
    assert statuses(lines) == {Status.OK}


def test_short_secrets_are_named_by_their_variable() -> None:
    """A secret below sixteen characters is named, and not shown."""
    lines = look_at_environment(
        Settings.from_environment(
            {
                "BASE_URL": "https://crm.example.com",
                "GOLIVE_DATABASE_URL": "postgresql://u:brief-pw@h/d",
                "GOLIVE_SECRETS": "JWT_ACCESS_SECRET, LONG_SECRET",
                "JWT_ACCESS_SECRET": "fifteen-chars-x",
                "LONG_SECRET": "sixteen-chars-xx",
            }
        )
    )
    short = bad(lines)
    assert [line.what.partition(" is shorter")[0] for line in short] == [
        "The password in GOLIVE_DATABASE_URL",
        "JWT_ACCESS_SECRET",
    ]
    shown = " ".join(line.what + line.mend for line in lines)
    assert "brief-pw" not in shown
    assert "fifteen" not in shown


def test_the_runbooks_contradictions() -> None:
    """Each note of the lint is a warning."""
    assert statuses(look_at_runbook((), "runbook.yaml")) == {Status.OK}
    (line,) = look_at_runbook(("A bound is never reached.",), "runbook.yaml")
    assert line.status is Status.WARNING


# --- clocks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "status", "words"),
    [
        (timedelta(seconds=-5), Status.OK, "agrees"),
        (timedelta(seconds=6), Status.OK, "agrees"),
        (timedelta(seconds=-6), Status.WARNING, "6 s behind"),
        (timedelta(seconds=7), Status.WARNING, "6 s ahead of"),
        (timedelta(hours=1, seconds=1), Status.WARNING, "3600 s ahead of"),
    ],
)
def test_how_far_a_clock_is_off(there: timedelta, status: Status, words: str) -> None:
    """The difference is counted from the nearer end of the time that the question took."""
    line = clock_line("the database's", NOW + there, HERE)
    assert line.status is status
    assert saying([line], words)


def test_a_date_in_whole_seconds() -> None:
    """A header that is cut to the second may be up to one second behind."""
    line = clock_line("Slack's", NOW - timedelta(seconds=6), HERE, exact=False)
    assert line.status is Status.OK


@pytest.mark.parametrize("value", [None, "", "yesterday", "Thu, 99 Mar 2026 12:00:00 GMT"])
def test_no_date(value: str | None) -> None:
    """A header that is not there, or no date, says nothing."""
    assert date_header(value) is None


def test_a_date() -> None:
    """A header is read in its own zone."""
    assert date_header("Thu, 05 Mar 2026 13:00:00 +0100") == NOW
    assert date_header("Thu, 05 Mar 2026 12:00:00 GMT") == NOW
