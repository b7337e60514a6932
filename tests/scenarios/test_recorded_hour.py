"""`golive check` on the recorded hour of the real application: exact counts, and the verdict."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from bot.__main__ import main
from checks.engine.masking import SHAPES, Shape

FIXTURES = Path(__file__).parent.parent / "fixtures" / "crm"
RECORDED = ("--since", "2026-11-23T21:54:00Z", "--until", "2026-11-23T22:02:00Z")


def recorded(name: str, folder: Path) -> Path:
    """The recorded log, unpacked."""
    log = folder / f"{name}.log"
    log.write_bytes(gzip.decompress((FIXTURES / f"{name}.log.gz").read_bytes()))
    return log


def check(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, report and the whole output of `golive check`."""
    code = main(["check", *argv, "--format", "json"])
    told = capsys.readouterr()
    return code, cast("dict[str, Any]", json.loads(told.out)), told.out + told.err


@pytest.mark.parametrize("name", ["app", "app-old-schema"])
def test_all_counts_are_equal_to_the_truth(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All 21 signals and the lines of both recorded logs, and NO-GO with its reasons."""
    truth = json.loads((FIXTURES / f"{name}.signals.json").read_text())
    log = recorded(name, tmp_path)
    code, report, _ = check(capsys, "--log", str(log), "--since-offset", "0")
    source = report["sources"]["log"]
    assert len(truth["signals"]) == 21
    assert {signal: source["signals"][signal] for signal in truth["signals"]} == truth["signals"]
    assert source["lines"] == truth["lines"]
    assert source["bytes"] == log.stat().st_size
    assert (source["profile"], source["timed"], report["window"]) == ("crm-console", False, None)
    assert (code, report["verdict"]["decision"]) == (2, "NO-GO")
    assert any("5xx" in reason for reason in report["verdict"]["because"])


def values(shape: Shape, raw: bytes) -> Iterator[bytes]:
    """All values of a shape in a text."""
    pattern, place = shape.compiled(), 0
    while (match := pattern.search(raw, place)) is not None:
        yield match[2] or b""
        place = match.end()


@pytest.mark.parametrize("form", ["json", "text", "markdown"])
def test_no_secret_of_the_log_is_in_the_output(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of everything in the log that has the shape of a secret, nothing is printed."""
    log = recorded("app", tmp_path)
    raw = log.read_bytes()
    planted = {value for shape in SHAPES for value in values(shape, raw)}
    assert len(planted) > 5
    main(["check", "--log", str(log), "--since-offset", "0", "--format", form])
    main(["signals", str(log)])
    told = capsys.readouterr()
    output = (told.out + told.err).encode()
    assert [value for value in planted if len(value) > 4 and value in output] == []
    assert re.search(rb"\b55119\d{8}\b", output) is None


def test_with_the_recorded_rows_the_hidden_failures_come_to_light(
    crm_fixture_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """320 successes, 52 sent without a provider id, of 372; the contradiction is a finding."""
    log = recorded("app", tmp_path)
    code, report, output = check(
        capsys,
        *("--log", str(log), "--since-offset", "0"),
        *("--database", crm_fixture_database, *RECORDED),
    )
    found = {finding["check"]: finding for finding in report["findings"]}
    outbound = found["outbound_success"]
    assert (code, outbound["level"], outbound["value"]) == (2, "CRITICAL", 320)
    details = outbound["details"]
    assert (details["sent_without_provider_id"], details["total"]) == (52, 372)
    contradictions = found["message_errors"]["details"]["contradictions"]
    assert found["message_errors"]["level"] in ("WARNING", "CRITICAL")
    assert any("42" in sentence for sentence in contradictions)
    assert found["tenant_isolation"]["level"] == "OK"
    assert "evoGlobal7Key" not in output
