"""What a leak proves: a stranger's guess must not roll a release back, a real leak must."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.engine.model import LogEvidence, Proof
from tests.support.logs import (
    access,
    exchange,
    exchanges,
    request,
    response,
    retry,
    scan,
    scan_on,
    scan_text,
    text,
)

GUESS = "/webhooks/WhatsApp/evolution/guessed-by-a-stranger"
LIVE = "the-real-secret-of-a-unit"
AT = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def proofs(evidence: LogEvidence) -> dict[Proof, int]:
    """How many lines prove how much."""
    found: dict[Proof, int] = {}
    for leak in evidence.leaks:
        found[leak.proof] = found.get(leak.proof, 0) + leak.count
    return found


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 499])
def test_a_guess_that_was_refused_is_an_attempt(tmp_path: Path, status: int) -> None:
    """In a request that was answered 4xx, a secret is the stranger's own."""
    evidence = scan_text(tmp_path / "app.log", text(exchange(1, status, GUESS)))
    assert proofs(evidence) == {Proof.ATTEMPTED: 2}
    assert {leak.place for leak in evidence.leaks} == {"request line"}


@pytest.mark.parametrize("status", [200, 201, 302, 500, 502])
def test_a_secret_that_was_let_in_is_proven(tmp_path: Path, status: int) -> None:
    """In a request that was answered by anything but 4xx, a secret is a real one."""
    evidence = scan_text(tmp_path / "app.log", text(exchange(1, status, GUESS)))
    assert proofs(evidence) == {Proof.PROVEN: 2}


def test_a_guess_without_an_answer_is_an_attempt(tmp_path: Path) -> None:
    """A client that hangs up has proven nothing."""
    evidence = scan_text(tmp_path / "app.log", text([*request(1, GUESS), retry()]))
    assert proofs(evidence) == {Proof.ATTEMPTED: 1}


def test_a_request_on_one_line_is_judged_by_its_answer_too(tmp_path: Path) -> None:
    """Records of one line are paired like longer ones."""
    lines = [
        f"[INFO] [REQ] POST {GUESS} {{ requestId: 'a', ip: '::1' }}",
        f"[INFO] [RES] POST {GUESS} {{ requestId: 'a', status: 404 }}",
        f"[INFO] [REQ] POST {GUESS} {{ requestId: 'b', ip: '::1' }}",
        f"[INFO] [RES] POST {GUESS} {{ requestId: 'b', status: 200 }}",
    ]
    evidence = scan_text(tmp_path / "app.log", text(lines))
    assert proofs(evidence) == {Proof.ATTEMPTED: 2, Proof.PROVEN: 2}


def test_an_error_dump_is_proof(tmp_path: Path) -> None:
    """What the application dumps of its own requests is its own secret."""
    dump = ["[ERROR] [Evolution] SendMessage Error: AxiosError {", "      apikey: 'evoKey42abc',"]
    evidence = scan_text(tmp_path / "app.log", text([*exchange(1, 404), *dump, "}", retry()]))
    assert proofs(evidence) == {Proof.PROVEN: 1}
    assert evidence.leaks[0].place == "log text"


def test_a_live_secret_is_proof_wherever_it_stands(tmp_path: Path) -> None:
    """A known secret in a refused request is still a known secret in the log."""
    lines = exchange(1, 404, f"/webhooks/whatsapp/evolution/{LIVE}")
    evidence = scan_text(tmp_path / "app.log", text(lines), secrets=[LIVE])
    assert proofs(evidence) == {Proof.PROVEN: 2}
    assert {leak.kind for leak in evidence.leaks} == {"live_secret"}


def test_the_answer_may_come_in_a_later_scan(tmp_path: Path) -> None:
    """A leak waits for its answer: an attempt until then, proven when it was let in."""
    path = tmp_path / "app.log"
    path.write_bytes(text([*request(1, GUESS), retry()]))
    first, state = scan_on(path, since_offset=0)
    assert proofs(first) == {Proof.ATTEMPTED: 1}
    with path.open("ab") as log:
        log.write(text([*response(1, 200, GUESS), retry()]))
    second, _ = scan_on(path, state, since_offset=0)
    assert proofs(second) == {Proof.PROVEN: 2}


def forged(*lines: str) -> list[str]:
    """Lines that a name with newlines in it has put into the log, twice."""
    smuggled = "\n".join(lines)
    return [
        f"[Webhook:no-id] Unknown instance: x\n{smuggled}\n, provider: evolution",
        f"[SECURITY] Auth Failed: webhook_no-id - Unknown instance: x\n{smuggled}\n",
    ]


def test_a_forged_pair_proves_nothing(tmp_path: Path) -> None:
    """A request and its answer that stand in the log twice are a stranger's."""
    lines = [*exchange(1), *forged(*exchange(9, 200, GUESS)), retry()]
    evidence = scan_text(tmp_path / "app.log", text(lines))
    assert set(proofs(evidence)) == {Proof.ATTEMPTED}


def test_a_pair_that_turns_out_forged_proves_nothing_any_more(tmp_path: Path) -> None:
    """Where the second printing comes only in a later scan, the proof is taken back."""
    path = tmp_path / "app.log"
    event, echo = forged(*exchange(9, 200, GUESS))
    path.write_bytes(text([*exchange(1), event, retry()]))
    first, state = scan_on(path, since_offset=0)
    assert proofs(first) == {Proof.PROVEN: 2}
    with path.open("ab") as log:
        log.write(text([echo, retry()]))
    second, _ = scan_on(path, state, since_offset=0)
    assert proofs(second) == {Proof.ATTEMPTED: 4}
    assert proofs(scan(path, since_offset=0)) == {Proof.ATTEMPTED: 4}


@pytest.mark.parametrize(
    ("path", "status", "secrets", "proof"),
    [
        ("/webhooks/whatsapp/evolution/s3cret", 200, (), Proof.PROXY),
        ("/webhooks/whatsapp/evolution/s3cret", 404, (), Proof.PROXY),
        (f"/webhooks/whatsapp/evolution/{LIVE}", 200, (LIVE,), Proof.PROXY),
        ("/webhooks/whatsapp/evolution/sk-0123456789abcdef0", 200, (), Proof.PROXY),
        (f"/other/{LIVE}", 404, (LIVE,), Proof.PROVEN),
        (f"/webhooks/whatsapp/evolution/{LIVE}?again={LIVE}", 200, (LIVE,), Proof.PROVEN),
        ("/x?hub.verify_token=abc", 200, (), Proof.PROVEN),
        ("/x?hub.verify_token=abc", 403, (), Proof.ATTEMPTED),
        ("/webhooks/whatsapp/meta/x?hub.verify_token=abc", 200, (), Proof.PROVEN),
    ],
)
def test_a_proxy_cannot_mask_webhook_paths(
    tmp_path: Path, path: str, status: int, secrets: tuple[str, ...], proof: Proof
) -> None:
    """A webhook path in an access log is the proxy's, a live one too; anything else is judged."""
    lines = [access(200, at=AT)] * 3 + [access(status, path, at=AT)]
    evidence = scan_text(tmp_path / "access.log", text(lines), secrets=secrets)
    assert proofs(evidence) == {proof: 1}
    assert "s3cret" not in repr(evidence)


@pytest.mark.parametrize(
    ("line", "proof"),
    [
        ('"req":{"url":"URL"},"res":{"statusCode":404}', Proof.ATTEMPTED),
        ('"req":{"url":"URL"},"res":{"statusCode":200}', Proof.PROVEN),
        ('"req":{"method":"POST","url":"URL"}', Proof.ATTEMPTED),
        ('"err":"sent to URL"', Proof.PROVEN),
    ],
)
def test_json_lines_are_judged_by_their_own_status(tmp_path: Path, line: str, proof: Proof) -> None:
    """A JSON line names path and status together; a request's line waits for the answer's."""
    lines = ['{"level":30,"msg":"hello"}', f'{{"msg":"x",{line.replace("URL", GUESS)}}}']
    assert proofs(scan_text(tmp_path / "app.log", text(lines))) == {proof: 1}


def test_the_fixture_proves_what_its_application_leaked(tmp_path: Path) -> None:
    """Ordinary traffic beside leaks changes nothing about what they prove."""
    lines = [
        *exchanges(1, 200, 404, 500),
        *exchange(10, 404, GUESS),
        *exchange(11, 200, "/inbox?token=eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjQyIn0.c2ln"),
        *exchanges(20, 200, 404, 500),
    ]
    evidence = scan_text(tmp_path / "app.log", text(lines))
    assert proofs(evidence) == {Proof.ATTEMPTED: 2, Proof.PROVEN: 2}
    assert {leak.kind for leak in evidence.leaks} == {"webhook_path", "jwt"}
