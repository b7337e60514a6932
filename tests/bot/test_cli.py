"""`golive` as a shell sees it: options, exit codes, windows, and where values come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checks.engine.runbook import shipped_runbook
from tests.bot.crm_log import exchange, retries, timed, traffic
from tests.bot.shell import QUIET, Golive, WriteLog, decision, findings, report, signals

# --- exit codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "said", "code"),
    [
        (QUIET, "GO", 0),
        ([*QUIET, *exchange(900, 500), *exchange(901, 502), *exchange(902, 503),
          *exchange(903, 500), *exchange(904, 500), *exchange(905, 500)], "MONITOR", 1),
        ([*QUIET, *(line for n in range(16) for line in exchange(900 + n, 500))], "NO-GO", 2),
        (retries(3), "MONITOR", 3),
    ],
)  # fmt: skip
def test_the_exit_code_is_the_decision(
    golive: Golive, log: WriteLog, lines: list[str], said: str, code: int
) -> None:
    """0 GO, 1 MONITOR, 2 NO-GO, 3 nothing measured, for one check asked for alone.

    The criterion `error_rate` of the same check is left to the scenarios: with it, six of forty-six
    would be MONITOR all the same.
    """
    ended = golive(
        "check", "--log", log(*lines), "--since-offset", "0", "--only", "http_5xx",
        "--format", "json",
    )  # fmt: skip
    assert (decision(ended), ended.code) == (said, code)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["check"], "Nothing to look at"),
        (["check", "--nonsense"], "No such option"),
        (["nonsense"], "No such command"),
        (["check", "--log", "x", "--checkpoint", "4"], "not one of 1, 2, 3, final"),
        (["check", "--log", "x", "--format", "xml"], "not one of text, json, markdown"),
        (["check", "--log", "x", "--only", "http_6xx,y"], "there is no check http_6xx, y"),
        (["check", "--log", "x", "--only", ","], "name at least one check"),
        (["check", "--log", "x", "--since", "yesterday"], "neither a time nor a duration"),
        (["check", "--log", "x", "--since", "99999999999d"], "neither a time nor a duration"),
        (["check", "--log", "x", "--since", "5m", "--until", "10m"], "must be before"),
        (["check", "--log", "x", "--since-offset", "-1"], "'--since-offset'"),
        (["check", "--base-url", "ftp://user:hunter2@x"], "must begin with http"),
        (["check", "--log", "x", "--runbook", "/nowhere/runbook.yaml"], "cannot be read"),
        (["check", "--lokki", "http://loki"], "No such option"),
        (["signals"], "Missing argument"),
        ([], ""),
    ],
)
def test_bad_usage_is_64_with_the_reason_on_stderr(
    golive: Golive, argv: list[str], says: str
) -> None:
    """Never 2, which would be NO-GO, and nothing on stdout that looks like a result."""
    ended = golive(*argv)
    assert ended.code == 64
    assert says in " ".join(ended.err.split())
    assert "hunter2" not in ended.err
    assert not argv or ended.out == ""


def test_help_is_no_error(golive: Golive) -> None:
    """`--help` ends with 0 and names the exit codes."""
    ended = golive("check", "--help")
    assert ended.code == 0
    assert "2 NO-GO" in " ".join(ended.out.split())


def test_a_broken_runbook_is_64_with_all_its_errors(golive: Golive, tmp_path: Path) -> None:
    """Each with file and line, on stderr."""
    broken = tmp_path / "runbook.yaml"
    shipped = shipped_runbook().read_text(encoding="utf-8")
    broken.write_text(
        shipped.replace("min_sample:", "min_samples:").replace("  http_5xx:", "  http_6xx:", 1),
        encoding="utf-8",
    )
    ended = golive("check", "--log", "x", "--runbook", broken)
    assert (ended.code, ended.out) == (64, "")
    assert f"{broken}:" in ended.err
    assert "min_samples" in ended.err
    assert "http_6xx" in ended.err


def test_settings_that_cannot_be_used_are_64_all_together(golive: Golive, tmp_path: Path) -> None:
    """A missing secret file and an unset name are both told."""
    ended = golive(
        "check",
        env={
            "GOLIVE_LOG": "app.log",
            "GOLIVE_SECRETS": "NOT_SET_ANYWHERE",
            "EVOLUTION_API_KEY_FILE": str(tmp_path / "nothing"),
        },
    )
    assert ended.code == 64
    assert "NOT_SET_ANYWHERE" in ended.err
    assert "EVOLUTION_API_KEY_FILE cannot be read" in ended.err


@pytest.mark.parametrize("kind", ["missing", "empty", "unrecognised", "directory"])
def test_a_log_that_says_nothing_is_3_and_never_go(
    golive: Golive, log: WriteLog, tmp_path: Path, kind: str
) -> None:
    """Missing, empty, unknown format, a directory: UNKNOWN with the reason."""
    path = {
        "missing": lambda: tmp_path / "nothing.log",
        "empty": log,
        "unrecognised": lambda: log("lorem ipsum", "dolor sit amet", name="prose.log"),
        "directory": lambda: tmp_path,
    }[kind]()
    ended = golive("check", "--log", path, "--since-offset", "0", "--format", "json")
    assert ended.code == 3
    assert decision(ended) == "MONITOR"
    assert len(findings(ended)) == 16
    assert {str(finding["level"]) for finding in findings(ended).values()} == {"UNKNOWN"}
    assert path.name in ended.out


# --- windows ------------------------------------------------------------------------------------


def test_an_untimed_log_needs_an_offset(golive: Golive, log: WriteLog) -> None:
    """Without one its counts are shown, its checks are UNKNOWN, and the option is named."""
    path = log(*QUIET)
    ended = golive("check", "--log", path, "--only", "http_5xx", "--format", "json")
    assert report(ended)["window"] is None
    assert "--since-offset" in str(findings(ended)["http_5xx"]["summary"])
    assert (findings(ended)["http_5xx"]["level"], signals(ended)["retry"]) == ("UNKNOWN", 3)
    with_offset = golive("check", "--log", path, "--since-offset", "0", "--only", "http_5xx")
    assert with_offset.code == 0
    assert "the log carries no times" in with_offset.out


def test_since_and_until_bound_a_timed_log(golive: Golive, log: WriteLog) -> None:
    """ISO-8601 with a zone, without one (UTC), and the whole span."""
    path = log(*timed([*retries(600)]), *timed(traffic(*([200] * 3))))

    def counted(since: str, until: str) -> int:
        ended = golive(
            "check", "--log", path, "--since", since, "--until", until,
            "--only", "retries", "--format", "json",
        )  # fmt: skip
        assert report(ended)["window"] is not None
        return signals(ended)["retry"]

    assert counted("2026-11-23T21:00:00Z", "2026-11-23T22:01:00Z") == 600
    assert counted("2026-11-23T21:00:00", "2026-11-23 22:01") == 600
    assert counted("2026-11-23T22:00:00+01:00", "2026-11-23T23:01:00+01:00") == 600
    assert counted("2026-11-23T20:00:00Z", "2026-11-23T21:00:00Z") == 0


# --- where things come from ---------------------------------------------------------------------


def test_the_environment_stands_in_for_options(golive: Golive, log: WriteLog) -> None:
    """GOLIVE_LOG is read when no --log is given, and --log wins over it."""
    good, bad = log(*QUIET), log("lorem ipsum", name="prose.log")
    rest = ("--since-offset", "0", "--only", "http_5xx")
    assert golive("check", *rest, env={"GOLIVE_LOG": str(good)}).code == 0
    assert golive("check", *rest, env={"GOLIVE_LOG": str(bad)}).code == 3
    assert golive("check", "--log", good, *rest, env={"GOLIVE_LOG": str(bad)}).code == 0


def test_several_logs_are_read_together(golive: Golive, log: WriteLog) -> None:
    """`--log` may be given more than once; the counts add up."""
    first, second = log(*QUIET), log(*QUIET, name="worker.log")
    ended = golive(
        "check", "--log", first, "--log", second, "--since-offset", "0", "--format", "json"
    )
    assert signals(ended)["retry"] == 6


# --- golive runbook -----------------------------------------------------------------------------


def test_the_shipped_runbook_has_no_contradictions(golive: Golive) -> None:
    """`golive runbook lint` ends with 0 and says so."""
    ended = golive("runbook", "lint")
    assert (ended.code, ended.err) == (0, "")
    assert "no errors, no contradictions" in ended.out


def test_lint_prints_every_error_as_its_result(golive: Golive, tmp_path: Path) -> None:
    """On stdout, with file and line, and 64."""
    broken = tmp_path / "runbook.yaml"
    shipped = shipped_runbook().read_text(encoding="utf-8")
    broken.write_text(
        shipped.replace("min_sample:", "min_samples:").replace("  http_5xx:", "  http_6xx:", 1),
        encoding="utf-8",
    )
    ended = golive("runbook", "lint", broken)
    assert (ended.code, ended.err) == (64, "")
    assert len(ended.out.splitlines()) > 2
    assert all(line.startswith(f"{broken}") for line in ended.out.splitlines())


def test_schema_is_json(golive: Golive) -> None:
    """`golive runbook schema` prints a JSON Schema."""
    told = json.loads(golive("runbook", "schema").out)
    assert told["$schema"].startswith("https://json-schema.org/")
    assert "checks" in told["properties"]
