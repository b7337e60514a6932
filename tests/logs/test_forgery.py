"""What an attacker writes into the log: a newline in an instance name begins a new line there.

The application prints the name twice, once in the event and once in its security echo, so
everything that is forged stands there twice.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.sources.logs.ids import REMEMBERED_IDS, Keys
from checks.sources.logs.lines import LineTable
from checks.sources.logs.pairs import count_pairs
from checks.sources.logs.profile import Profile
from checks.sources.logs.state import Tally
from checks.sources.logs.text import Segment, Text
from tests.support.logs import (
    exchange,
    exchanges,
    profiles,
    request,
    response,
    retry,
    scan,
    scan_on,
    scan_text,
    some,
    text,
    uid,
)

HONEST = exchanges(1, 200, 200, 500, 401)
TRUTH = {"http_responses": 4, "http_5xx": 1, "http_401": 1}


def unknown(name: str) -> list[str]:
    """What the application prints for an unknown instance: its name, raw, twice."""
    return [
        f"[Webhook:no-id] Unknown instance: {name}, provider: evolution",
        f"[SECURITY] Auth Failed: webhook_no-id - Unknown instance: {name}",
    ]


def forged(*records: list[str]) -> list[str]:
    """Records smuggled in through the name of an instance."""
    smuggled = "\n".join(line for record in records for line in record)
    return unknown(f"x\n{smuggled}\n")


def console() -> Profile:
    """The application's own profile."""
    return next(profile for profile in profiles() if profile.name == "crm-console")


ATTACKS = {
    "a response": forged(response(900, 500)),
    "many responses": forged(*(response(900 + n, 500) for n in range(50))),
    "a request and its response": forged(exchange(900, 500)),
    "a response on one line": forged(
        [f"[INFO] [RES] GET /x {{ requestId: '{uid(900)}', status: 500 }}"]
    ),
    "a pair on two lines": forged(
        [
            "[INFO] [REQ] GET /x { requestId: 'a', ip: '::1' }",
            "[INFO] [RES] GET /x { requestId: 'a', status: 503 }",
        ]
    ),
    "the response before its request": forged(response(900, 500), request(900)),
    "a response without an id": forged(["[INFO] [RES] GET /x {", "  status: 500,", "}"]),
    "a status without a response": forged(["  status: 500,", "}"]),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("place", ["before", "between", "after"])
def test_forged_records_change_no_response_count(tmp_path: Path, attack: str, place: str) -> None:
    """Forged responses, alone or with their requests, count as no response, wherever they stand."""
    lines = {
        "before": [*ATTACKS[attack], *HONEST],
        "between": [*HONEST[:11], *ATTACKS[attack], *HONEST[11:]],
        "after": [*HONEST, *ATTACKS[attack]],
    }[place]
    evidence = scan_text(tmp_path / "app.log", text(lines))
    found = some(evidence)
    assert found.pop("unknown_instance") == 1
    assert found == TRUTH


@pytest.mark.parametrize("attack", [name for name in ATTACKS if "without" not in name])
def test_forged_records_are_reported(tmp_path: Path, attack: str) -> None:
    """Responses that are not counted are: as `unpaired`, with lines that show them."""
    evidence = scan_text(tmp_path / "app.log", text([*HONEST, *ATTACKS[attack]]))
    assert evidence.unpaired is not None
    assert evidence.unpaired > 0
    assert evidence.unpaired_lines
    assert all(line.startswith("[INFO] [RES] GET /") for line in evidence.unpaired_lines)


def test_an_honest_log_has_nothing_unpaired(tmp_path: Path) -> None:
    """Requests without an answer are no forgery: clients hang up."""
    evidence = scan_text(tmp_path / "app.log", text([*request(90), *HONEST, *request(91)]))
    assert (evidence.unpaired, evidence.unpaired_lines) == (0, ())
    assert some(evidence) == TRUTH


def test_a_forged_pair_with_a_stolen_id_takes_the_real_response_back(tmp_path: Path) -> None:
    """An id seen twice proves nothing, so its one real response is no longer counted either."""
    evidence = scan_text(tmp_path / "app.log", text([*HONEST, *forged(exchange(3, 200))]))
    assert {k: n for k, n in some(evidence).items() if k.startswith("http")} == {
        "http_responses": 3,
        "http_401": 1,
    }
    assert evidence.unpaired == 3


@pytest.mark.parametrize("again", [request(3), response(3, 200)])
def test_a_later_duplicate_takes_a_counted_response_back(tmp_path: Path, again: list[str]) -> None:
    """A second request or a second response of an id, also in a later scan, undoes the first."""
    path = tmp_path / "app.log"
    path.write_bytes(text([*HONEST, retry()]))
    first, state = scan_on(path, since_offset=0)
    assert some(first) == {**TRUTH, "retry": 1}
    with path.open("ab") as log:
        log.write(text([*again, retry()]))
    second, _ = scan_on(path, state, since_offset=0)
    assert some(second) == {"http_responses": 3, "http_401": 1, "retry": 2}
    assert second.unpaired is not None
    assert second.unpaired >= 1
    assert some(scan(path, since_offset=0)) == some(second)


def test_taking_back_knows_the_minute(tmp_path: Path) -> None:
    """What is taken back is taken from the minute in which it was counted."""
    path = tmp_path / "app.log"
    lines = [f"2026-11-23T21:{10 + n:02d}:00Z {line}" for n in (0, 1) for line in exchange(n, 500)]
    path.write_bytes(text([*lines, *(f"2026-11-23T21:20:00Z {line}" for line in request(0))]))
    found = scan(path).signals["http_5xx"]
    assert found.count == 1
    assert sorted(found.minutes.values()) == [0, 1]


def test_records_that_only_look_like_requests_are_none(tmp_path: Path) -> None:
    """The application logs `requestId` in other records too; they pair with nothing."""
    lines = [
        f"[WARN] LEGACY ROUTE used {{ requestId: '{uid(1)}', path: '/old' }}",
        "[WARN] LEGACY ROUTE used {",
        f"  requestId: '{uid(2)}',",
        "  status: 500",
        "}",
        *exchanges(1, 200, 200),
        f"[WARN] LEGACY ROUTE used {{ requestId: '{uid(1)}', status: 401 }}",
    ]
    evidence = scan_text(tmp_path / "app.log", text(lines))
    assert some(evidence) == {"http_responses": 2}
    assert evidence.unpaired == 0


def test_a_status_inside_a_dumped_body_is_none(tmp_path: Path) -> None:
    """Upstream answers are dumped with `status: 401,` in them; only a response record counts."""
    dump = [
        "[ERROR] [Evolution] SendMessage Error: {",
        "  status: 401,",
        f"  requestId: '{uid(1)}',",
        "  data: { status: 500, error: 'x' },",
        "  response: {",
        "    status: 403,",
        "  }",
        "}",
    ]
    evidence = scan_text(tmp_path / "app.log", text([*request(1), *dump, *response(1, 200), *dump]))
    assert some(evidence) == {"http_responses": 1}


def test_malformed_json_leaves_neither_request_nor_response(tmp_path: Path) -> None:
    """The application answers 400 without a record: its error alone counts as nothing."""
    error = [
        "[ERROR] SyntaxError: Unexpected token } in JSON at position 12 {",
        "  expose: true,",
        "  statusCode: 400,",
        "  status: 400,",
        "}",
    ]
    evidence = scan_text(tmp_path / "app.log", text([*error, *HONEST]))
    assert some(evidence) == TRUTH


def test_hostile_names_count_one_event_each(tmp_path: Path) -> None:
    """NUL, broken UTF-8, colours, carriage returns and mentions in a name change no count."""
    names = (
        b"a\0b",
        b"\xff\xfe\xc3",
        b"\x1b[31mred\x1b[0m",
        b"a\rb",
        b"<!channel>",
        "\u202eabc".encode(),
    )
    lines = b"".join(
        b"[Webhook:no-id] Unknown instance: %b, provider: evolution\n"
        b"[SECURITY] Auth Failed: webhook_no-id - Unknown instance: %b\n" % (name, name)
        for name in names
    )
    evidence = scan_text(tmp_path / "app.log", text(HONEST) + lines + text(exchange(9, 500)))
    assert some(evidence) == {
        "http_responses": 5,
        "http_5xx": 2,
        "http_401": 1,
        "unknown_instance": len(names),
    }
    assert evidence.lines == len(HONEST) + 2 * len(names) + 11
    shown = " ".join(evidence.signals["unknown_instance"].lines)
    assert "<!channel>" not in shown
    assert all(character.isprintable() for character in shown)


@given(
    cuts=st.lists(st.integers(0, 100), max_size=4),
    where=st.integers(0, 40),
    kind=st.sampled_from(sorted(ATTACKS)),
)
@settings(max_examples=25)
def test_resuming_anywhere_makes_no_forgery_count(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], where: int, kind: str
) -> None:
    """However many scans a forged record is spread over, the responses are the honest ones."""
    path = tmp_path_factory.mktemp("forged") / "app.log"
    raw = text([*HONEST[:where], *ATTACKS[kind], *HONEST[where:]])
    path.write_bytes(text([retry()]))
    evidence, state = scan_on(path, since_offset=0)
    done = 0
    for cut in [*sorted(cuts), 100]:
        upto = len(raw) * cut // 100
        with path.open("ab") as log:
            log.write(raw[done:upto])
        done = upto
        evidence, state = scan_on(path, state, since_offset=0)
    found = some(evidence)
    assert found.get("retry") == 1
    assert found == some(scan(path, since_offset=0))
    whole = where % 11 in (0, 4) or where > 4 * 11
    if whole:
        assert {k: n for k, n in found.items() if k.startswith("http")} == TRUTH


def test_ids_beyond_the_last_hundred_thousand_are_forgotten() -> None:
    """What is remembered of ids is bounded, however long the log is, and counts stay right."""
    profile = console()
    reader = profile.pairs
    assert reader is not None
    tally = Tally()
    pairing = tally.pairing
    rounds, each = 12, 25_000
    for number in range(rounds):
        first = number * each
        data = b"".join(
            b"[INFO] [REQ] GET /x { requestId: 'r%d', ip: '::1' }\n"
            b"[INFO] [REQ] GET /y { requestId: 'open%d', ip: '::1' }\n" % (n, n)
            for n in range(first, first + 100)
        ) + b"".join(
            b"[INFO] [RES] GET /x { requestId: 'r%d', status: 200 }\n" % n
            for n in range(first, first + 100)
        )
        # Only some ids come as text: what the others leave behind is what a reader leaves behind.
        for kind, ids in ((1, pairing.open), (2, pairing.done), (3, pairing.bad)):
            ids.add(_keys(kind, first, each))
        table = LineTable(data)
        whole = Text(data, (Segment(end=len(data), minute=None),))
        count_pairs(reader, whole, table.newlines, reader.read(table, pairing.hashed), tally)
    assert tally.signals["http_responses"].count == rounds * 100
    for ids in (pairing.open, pairing.done, pairing.bad):
        assert REMEMBERED_IDS <= len(ids) <= REMEMBERED_IDS + 10_000 + each
    assert not pairing.done.has(_keys(2, 0, 1)).any()
    assert pairing.done.has(_keys(2, (rounds - 3) * each, 3 * each)).all()


def _keys(kind: int, first: int, n: int) -> Keys:
    ids = np.arange(first, first + n, dtype=np.uint64) + np.uint64(kind << 32)
    return ids * np.uint64(0x9E3779B97F4A7C15)  # as far apart as hashes are
