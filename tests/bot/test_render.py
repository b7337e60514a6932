"""The renderings: what they must say, and what they must never let through."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from bot.render.markdown import render_markdown
from bot.render.report_json import render_json
from bot.render.signals import Format, absence, render_signals
from bot.render.terminal import render_report
from checks.engine.model import LogEvidence, Problem, Report, SignalEvidence
from checks.engine.profiles import PUBLIC_SIGNALS, SignalSpec
from tests.bot.reports import HOSTILE, NOW, SECRETS, report, untimed


def printed(what: RenderableType, *, width: int = 100, colour: bool = False) -> str:
    """As a terminal (with colour) or a pipe shows it."""
    console = Console(
        file=StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=True,
    )
    with console.capture() as captured:
        console.print(what)
    return captured.get()


def as_text(shown: Report) -> str:
    """The terminal's rendering, without colour."""
    return printed(render_report(shown), width=400)


EVERY: list[Callable[[Report], str]] = [as_text, render_json, render_markdown]


@pytest.mark.parametrize("render", EVERY)
def test_no_secret_leaves_in_any_format(render: Callable[[Report], str]) -> None:
    """Planted in summaries, evidence, reasons, routes and criteria: masked everywhere."""
    shown = render(report(hostile=True))
    for secret in SECRETS:
        assert secret not in shown
    assert "[MASKED" in shown.replace("\\", "")


@pytest.mark.parametrize("render", EVERY)
def test_control_characters_and_mentions_do_no_harm(render: Callable[[Report], str]) -> None:
    """Escape codes, NUL, direction marks and Slack's mentions become visible text."""
    shown = render(report(hostile=True))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", shown)
    assert "<!channel>" not in shown
    assert "x1b[31mred" in shown.replace("\\", "")


@pytest.mark.parametrize("render", EVERY)
def test_every_format_leads_with_the_decision_and_names_all_that_led_to_it(
    render: Callable[[Report], str],
) -> None:
    """Because, missing, what would change it, the criteria, and what was not counted."""
    shown = render(report())
    for text in (
        "NO-GO",
        "more than 15",
        "No log was given",
        "GO needs 5 or fewer",
        "secret",
        "3.5 %",
        "Not run",
        "The file was replaced",
    ):
        assert text in shown
    assert shown.index("NO-GO") < shown.index("more than 15")


def test_the_terminal_reads_without_colour() -> None:
    """Each level has a symbol and a word, the verdict stands in the first line."""
    lines = as_text(report()).splitlines()
    assert lines[0].startswith("✖ NO-GO  Final review · 2026-11-23 21:00–22:00 UTC")
    for mark in ("✖ CRITICAL", "▲ WARNING", "? UNKNOWN", "✔ OK"):
        assert any(line.startswith(mark) for line in lines)
    assert "warn ≥ 6, crit > 10 %" in as_text(report())


def test_the_terminal_colours_by_level() -> None:
    """On a terminal the words are coloured as well."""
    shown = printed(render_report(report()), colour=True)
    assert "\x1b[1;31m✖ CRITICAL" in shown
    assert "\x1b[32m✔ OK" in shown


def test_markup_from_a_log_is_printed_and_not_obeyed() -> None:
    """What looks like Rich's markup is text, even where the console would parse it."""
    assert "[bold]not bold[/bold]" in as_text(report(hostile=True))


def test_evidence_of_what_is_not_ok_is_shown_and_of_what_is_ok_is_not() -> None:
    """A reader sees lines where there is something to mend."""
    shown = as_text(report())
    assert "a line" in shown
    assert "quiet line" not in shown


def test_a_narrow_terminal_loses_no_word_of_the_reasons() -> None:
    """At 60 columns lines are folded, not cut."""
    shown = " ".join(printed(render_report(report()), width=60).split())
    assert "Http 5xx: 76, more than 15." in shown
    assert "…" not in shown


def test_an_accepted_finding_carries_the_word() -> None:
    """Level and acceptance stand together."""
    base = report()
    accepted = replace(base.findings[1], accepted_by="<@U1>")
    shown = as_text(replace(base, findings=(accepted,)))
    assert "▲ WARNING (accepted)" in shown


def test_json_has_the_shape_that_scripts_rely_on() -> None:
    """Names, nulls and numbers as the interface promises them."""
    told = json.loads(render_json(report()))
    assert told["version"] == 1
    assert set(told["verdict"]) == {"decision", "because", "missing", "would_change"}
    assert told["verdict"]["decision"] == "NO-GO"
    assert told["checkpoint"] == "final"
    assert told["window"] == {
        "since": "2026-11-23T21:00:00+00:00",
        "until": "2026-11-23T22:00:00+00:00",
    }
    first = told["findings"][0]
    assert (first["check"], first["level"], first["value"]) == ("http_5xx", "CRITICAL", 7)
    assert first["threshold"] == {"warning": 6, "critical": {"above": 0.1}}
    assert first["details"]["share"] is None  # JSON has no NaN
    assert told["findings"][2]["value"] is None
    assert told["rollback_criteria"][0]["met"] is True
    assert [c["met"] for c in told["success_criteria"]] == [False, None]
    assert told["sources"]["database"]["server_version"] == "18.4"
    assert told["switched_off"] == {"campaigns": "No campaigns here."}


def test_json_counts_each_public_signal_that_the_format_carries() -> None:
    """A quiet signal is 0, one that the format cannot show is absent, internal ones never show."""
    signals = json.loads(render_json(report()))["sources"]["log"]["signals"]
    assert set(signals) == set(PUBLIC_SIGNALS) - {"masked"}
    assert (signals["http_5xx"], signals["retry"]) == (76, 0)
    assert len(PUBLIC_SIGNALS) == 21


def test_the_window_is_null_where_the_log_carries_no_times() -> None:
    """And the other formats say so in words."""
    assert json.loads(render_json(untimed()))["window"] is None
    assert "the log carries no times" in as_text(untimed())
    assert "the log carries no times" in render_markdown(untimed())


def test_json_without_a_source_says_why() -> None:
    """A log or database that was not there is an object with its reason, not an error."""
    base = report()
    problem = Problem(what="No log was given.", mend="Use --log PATH.")
    evidence = replace(base.evidence, log=LogEvidence(source="", problem=problem))
    log = json.loads(render_json(replace(base, evidence=evidence)))["sources"]["log"]
    assert (log["profile"], log["signals"]) == (None, {})
    assert log["problem"] == "No log was given. Use --log PATH."


def test_markdown_of_hostile_lines_stays_inside_its_cell_and_fence() -> None:
    """Pipes, fences, headings and tags from a log build nothing of their own."""
    shown = render_markdown(report(hostile=True))
    rows = [line for line in shown.splitlines() if line.startswith("| ") and "CRITICAL" in line]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?\n\1$", "", shown)
    assert "<script>" not in outside
    assert not re.search(r"(?m)^# heading", outside)
    assert "````text" in shown  # the fence is longer than the one in the log


SPEC = SignalSpec(pattern="^EVENT retry [0-9]+", example="EVENT retry 1")
DEAD = SignalSpec(pattern="^EVENT retry [0-9]+", example="EVENT renamed 1")


@pytest.mark.parametrize(
    ("carried", "spec", "said"),
    [
        (True, SPEC, "quiet"),
        (True, DEAD, "dead"),
        (False, SPEC, "not carried"),
    ],
)
def test_a_signal_that_never_matched_says_why(carried: bool, spec: SignalSpec, said: str) -> None:
    """Quiet, dead and not carried are told apart."""
    carries = frozenset({"retry"} if carried else ())
    log = LogEvidence(source="app.log", profile="plain", carries=carries)
    assert absence("retry", log, {"retry": spec}).startswith(said)


def test_signals_shows_format_counts_last_seen_and_a_masked_example() -> None:
    """One row a signal, hostile examples included."""
    form = Format(
        profile="crm-console",
        prefix="iso-8601",
        times="in the prefix",
        sampled=100,
        matched=97,
        response="RES 200\nmore",
        events={"retry": SPEC},
    )
    log = LogEvidence(
        source="app.log",
        profile="crm-console",
        carries=frozenset({"http_responses", "http_5xx", "retry"}),
        signals={
            "http_responses": SignalEvidence(count=9),
            "http_5xx": SignalEvidence(count=2, last=NOW, lines=HOSTILE[:1]),
        },
        lines=10,
        unpaired=3,
    )
    shown = printed(render_signals(form, log), width=200)
    assert "crm-console (97 of 100 sampled records fit)" in shown
    assert "Not counted: 3 responses" in shown
    assert re.search(r"http_5xx +2 +2026-11-23 22:00:00 +GET /x", shown)
    assert re.search(r"http_responses +9 +no times +such as RES 200\s", shown)
    assert re.search(r"retry +0 +– +quiet", shown)
    assert re.search(r"masked +– +– +not carried", shown)
    assert not any(secret in shown for secret in SECRETS)
