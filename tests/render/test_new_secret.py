"""The words on the first webhook of a new secret: what came, what did not, what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.render.new_secret import Awaited, expected_sentence, outcome_text, so_far
from checks.engine.model import Problem

AT = datetime(2026, 11, 23, 21, 5, 9, tzinfo=UTC)
BOUND = timedelta(minutes=10)
NONE = Awaited(name="Norte", until=AT)
FIRST = replace(NONE, after=timedelta(seconds=29.6))
BLIND = replace(NONE, trouble=Problem(what="No log was given.", mend="Set GOLIVE_LOG."))


def test_the_first_one_is_told_with_what_was_refused_meanwhile() -> None:
    """Refused ones are expected, and not taken off."""
    assert outcome_text(FIRST, BOUND) == (
        "First webhook of Norte on the new secret: seen 30 s after the switch."
        " No unknown-instance warning of this unit came meanwhile."
    )
    assert outcome_text(replace(FIRST, refused=1), BOUND).endswith(
        "1 unknown-instance warning of this unit meanwhile: expected, and counted by the check all"
        " the same."
    )


def test_none_says_what_to_do() -> None:
    """More where the application refused some; and why where nothing can be seen."""
    quiet = outcome_text(NONE, BOUND)
    assert quiet.startswith("No webhook of Norte came on the new secret in 10 minutes. The unit")
    refused = outcome_text(replace(NONE, refused=2), BOUND)
    assert "2 webhooks of it the application refused, so Evolution may still send to" in refused
    blind = outcome_text(BLIND, BOUND)
    assert "cannot be seen: No log was given. Set GOLIVE_LOG. Run" in blind
    for said in (quiet, refused, blind):
        assert "`/golive expect inbound`" in said
        assert "`/golive diagnose 1`" in said


def test_before_its_end_it_says_where_it_stands() -> None:
    """At the look two minutes after the fix."""
    assert so_far(FIRST, BOUND).startswith("Webhooks of this unit are accepted on the new secret.")
    assert "yet; golive looks for 10 minutes and says so here." in so_far(NONE, BOUND)
    assert so_far(BLIND, BOUND).endswith("cannot be seen: No log was given. Set GOLIVE_LOG.")


def test_what_is_expected_is_named_with_unit_and_time() -> None:
    """Nothing is said where nothing was refused."""
    assert expected_sentence(NONE, AT) == ""
    assert expected_sentence(replace(NONE, refused=3), AT) == (
        "3 of them came from Norte while its secret was replaced (21:05 UTC): expected, and"
        " counted."
    )
