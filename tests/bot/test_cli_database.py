"""`golive check` with a real PostgreSQL: the recorded rows, and a database that refuses."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import cast

import pytest

from bot.__main__ import main
from checks.engine.model import Json
from tests.bot.crm_log import text, traffic

RECORDED = ("--since", "2026-11-23T21:50:00Z", "--until", "2026-11-23T22:01:30Z")
"""The minutes in which the rows were recorded."""


def findings(told: str) -> dict[str, dict[str, Json]]:
    """Check id → finding in the JSON of a report."""
    report = cast("dict[str, list[dict[str, Json]]]", json.loads(told))
    return {str(finding["check"]): finding for finding in report["findings"]}


def test_the_recorded_rows_are_judged_as_of_the_windows_end(
    crm_fixture_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """320 sent, 52 marked sent without a provider id, of 372; the log's checks stay UNKNOWN."""
    code = main(["check", "--database", crm_fixture_database, *RECORDED, "--format", "json"])
    told = capsys.readouterr()
    found = findings(told.out)
    outbound = found["outbound_success"]
    assert code == 2
    assert outbound["level"] == "CRITICAL"
    assert "320 of 372" in str(outbound["summary"])
    assert "52" in json.dumps(outbound)
    assert found["http_5xx"]["level"] == "UNKNOWN"
    sources = json.loads(told.out)["sources"]
    assert sources["database"]["server_version"].split(".")[0].isdigit()
    assert crm_fixture_database not in told.out + told.err


def test_the_live_secrets_of_the_database_are_searched_in_the_log(
    crm_fixture_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A webhook secret that has no shape is found because the database knows it, and is masked."""
    rows = webhook_secrets()
    log = tmp_path / "app.log"
    leaking = f"[Webhook:no-id] Unknown instance: {rows[0]}, provider: evolution"
    log.write_text(text([*traffic(*([200] * 20)), leaking]), encoding="utf-8")
    argv = ["check", "--log", str(log), "--since-offset", "0", "--only", "secret_leaks"]
    assert main([*argv, "--format", "json"]) == 0
    capsys.readouterr()
    assert main([*argv, "--database", crm_fixture_database, "--format", "json"]) == 2
    told = capsys.readouterr().out
    assert findings(told)["secret_leaks"]["level"] == "CRITICAL"
    assert rows[0] not in told


def webhook_secrets() -> list[str]:
    """The invented webhook secrets of the recorded connections, long enough to be searched."""
    path = Path(__file__).parents[1] / "fixtures/crm/database/unit_whatsapp_connections.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as rows:
        return [r["webhook_secret"] for r in csv.DictReader(rows) if len(r["webhook_secret"]) >= 16]


def test_a_database_that_refuses_is_unknown_and_its_password_is_not_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody listens on that port: nothing could be measured, and the sentence says what to do."""
    url = "postgresql://reader:a-password-of-the-role@127.0.0.1:1/crm"
    code = main(["check", "--database", url, "--format", "json"])
    told = capsys.readouterr()
    assert code == 3
    assert {str(f["level"]) for f in findings(told.out).values()} == {"UNKNOWN"}
    assert "a-password-of-the-role" not in told.out + told.err
