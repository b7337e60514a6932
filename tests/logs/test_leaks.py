"""Secrets in the log: which shapes are found, and that no letter before or after them is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.engine.model import Leak, LogEvidence
from tests.support.logs import exchange, retry, scan_text, some, text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjQyIn0.c2lnbmF0dXJl"
HOOK = "/webhooks/whatsapp/evolution"
LIVE = "correct-horse-battery-staple"

LEAKING = {
    "a JWT": ("jwt", f"[ERROR] token {JWT} refused"),
    "a JWT in a query": ("jwt", f"[INFO] opened /inbox?token={JWT}&x=1"),
    "a JWT without a signature": ("jwt", "[ERROR] eyJhbGciOiJub25lIn0.eyJpZCI6IjQyIn0."),
    "a bearer of 20 characters": ("bearer", f"[ERROR] Authorization: Bearer {'a' * 20}"),
    "a key at a word's beginning": ("sk_key", f"[ERROR] (sk-{'A1' * 8})"),
    "a key as a property": ("apikey", "      apikey: 'evoKey42',"),
    "a key as a header": ("apikey", "      'apikey: evoKey42\\r\\n' +"),
    "a key of 8 characters": ("apikey", "[ERROR] apikey: 12345678"),
    "a verify token": ("verify_token", "[INFO] GET /x?hub.verify_token=n"),
    "a verify token of base64": ("verify_token", "[INFO] GET /x?hub.verify_token=/+x="),
    "a verify token like the mask": ("verify_token", "[INFO] GET /x?hub.verify_token=[MASK]"),
    "a webhook path": ("webhook_path", f"[INFO] POST {HOOK}/s3cret {{"),
    "a webhook path, other case": ("webhook_path", "[INFO] POST /Webhooks/WhatsApp/evolution/x {"),
    "a webhook path, all upper": ("webhook_path", "[INFO] POST /WEBHOOKS/WHATSAPP/ZAPI/S3CRET {"),
    "a webhook path with a query": ("webhook_path", f"[INFO] POST {HOOK}/s3cret?a=1 {{"),
    "a webhook path like the mask": ("webhook_path", f"[INFO] POST {HOOK}/[MASKE]x {{"),
    "a mask on the same line": ("bearer", f"[INFO] {HOOK}/[MASKED] Bearer {'b' * 24}"),
    "two masks on the same line": (
        "webhook_path",
        f"[INFO] {HOOK}/[MASKED]?hub.verify_token=[MASKED] {HOOK}/s3cret",
    ),
    "behind a NUL and broken UTF-8": ("jwt", f"[ERROR] \0\udcff {JWT}"),
    "inside colours": ("jwt", f"[ERROR] \x1b[31m{JWT}\x1b[0m"),
    "a live secret": ("live_secret", f"[INFO] anything,{LIVE}anything"),
    "a live secret and a shape": ("live_secret", f"[INFO] {JWT} {LIVE}"),
}

HARMLESS = {
    "a task": "[INFO] task-1 done, disk-0123456789abcdef0 and risk-0123456789abcdef0",
    "a short key": f"[INFO] sk-{'a' * 15}",
    "a short bearer": f"[INFO] Bearer {'a' * 19}",
    "a bearer in lower case": f"[INFO] bearer {'a' * 40}",
    "a short apikey": "[INFO] apikey: '1234567'",
    "the name of a header": "[INFO] apikey: [object Object]",
    "half a JWT": "[INFO] eyJhbGciOiJIUzI1NiJ9",
    "two parts of base64": "[INFO] eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjQyIn0",
    "a masked path": f"[INFO] POST {HOOK}/[MASKED] {{",
    "a masked path in other case": "[INFO] POST /Webhooks/WHATSAPP/Evolution/[MASKED] {",
    "a masked path with a query": f"[INFO] POST {HOOK}/[MASKED]?hub.verify_token=[MASKED]&x=1",
    "a path without a secret": f"[INFO] POST {HOOK} {{",
    "a path with an empty secret": f"[INFO] POST {HOOK}/ {{",
    "another path": "[INFO] POST /webhooks/telegram/evolution/s3cret {",
    "a verify token without a value": "[INFO] GET /x?hub.verify_token=&y=1",
    "a part of a live secret": f"[INFO] {LIVE[:-1]}",
    "a live secret in other case": f"[INFO] {LIVE.upper()}",
}


def leaky(path: Path, line: str, *, secrets: tuple[str, ...] = (LIVE,)) -> LogEvidence:
    """The evidence of a log that holds one line beside ordinary ones."""
    raw = text([*exchange(1), retry()]) + line.encode("utf-8", "surrogateescape") + b"\n"
    return scan_text(path, raw + text(exchange(2)), secrets=secrets)


def only(evidence: LogEvidence) -> Leak:
    """The one leak of the evidence."""
    assert len(evidence.leaks) == 1, evidence.leaks
    return evidence.leaks[0]


@pytest.mark.parametrize("case", LEAKING)
def test_every_shape_is_found_once_a_line(tmp_path: Path, case: str) -> None:
    """A line that leaks counts once, by its gravest secret, and its example is masked."""
    kind, line = LEAKING[case]
    evidence = leaky(tmp_path / "app.log", line)
    assert some(evidence)["secret_leak"] == 1
    leak = only(evidence)
    assert (leak.kind, leak.count) == (kind, 1)
    assert "[MASKED]" in leak.example


@pytest.mark.parametrize("case", HARMLESS)
def test_what_only_resembles_a_secret_is_none(tmp_path: Path, case: str) -> None:
    """Words that end like a key's beginning, values too short and masked ones do not count."""
    evidence = leaky(tmp_path / "app.log", HARMLESS[case])
    assert "secret_leak" not in some(evidence)
    assert evidence.leaks == ()


def test_many_leaks_on_one_line_are_one_line(tmp_path: Path) -> None:
    """`secret_leak` counts lines: one with five secrets in it counts once."""
    line = f"[ERROR] {JWT} {JWT} Bearer {'a' * 30} sk-{'b' * 30} apikey: '{'c' * 30}'"
    assert some(leaky(tmp_path / "app.log", line))["secret_leak"] == 1


def test_short_live_secrets_are_not_searched(tmp_path: Path) -> None:
    """Fifteen characters are too few to be searched as a literal, sixteen are enough."""
    line = "[INFO] fifteen-chars-x and sixteen-chars-xy"
    evidence = leaky(tmp_path / "a.log", line, secrets=("fifteen-chars-x", ""))
    assert (some(evidence).get("secret_leak"), evidence.secrets_searched) == (None, 0)
    evidence = leaky(tmp_path / "b.log", line, secrets=("fifteen-chars-x", "sixteen-chars-xy"))
    assert (some(evidence).get("secret_leak"), evidence.secrets_searched) == (1, 1)


def test_live_secrets_may_hold_any_character(tmp_path: Path) -> None:
    """A live secret is a literal: dots, brackets, letters with accents and spaces in it are too."""
    for number, secret in enumerate(
        (".*[a-z]+(x)?$^\\{3}", "çäßéñ-çäßéñ-çäßéñ", "a b c d e f g h i j")
    ):
        assert len(secret) >= 16
        evidence = leaky(tmp_path / f"{number}.log", f"[INFO] {secret}!", secrets=(secret,))
        assert only(evidence).kind == "live_secret"
        assert secret not in repr(evidence)


def test_equal_values_have_equal_fingerprints(tmp_path: Path) -> None:
    """One value in two notations is one fingerprint; another value or key is another."""
    lines = ["      apikey: 'evoKey42abc',", "      'apikey: evoKey42abc\\r\\n' +"]
    evidence = leaky(tmp_path / "app.log", "\n".join(lines))
    same = only(evidence)
    assert same.count == 2
    other = only(leaky(tmp_path / "b.log", "      apikey: 'evoKey42abd',"))
    assert other.fingerprint != same.fingerprint
    assert len(same.fingerprint) >= 12
    assert "evoKey42abc" not in repr(evidence)


def test_a_leak_in_a_very_long_line_is_found(tmp_path: Path) -> None:
    """A secret far behind the beginning of its line counts, and the line counts once."""
    long = f"[ERROR] {'x ' * 100_000}{JWT}{' y' * 100_000}{JWT}"
    assert some(leaky(tmp_path / "app.log", long))["secret_leak"] == 1


def test_a_leak_in_a_line_of_many_chunks_counts_once(tmp_path: Path) -> None:
    """A line that is read in pieces and leaks in several of them is one leaking line."""
    piece = f"{JWT} {'x' * 1_040_000} "
    evidence = leaky(tmp_path / "app.log", f"[ERROR] {piece * 4}")
    assert some(evidence) == {"http_responses": 2, "retry": 1, "secret_leak": 1}
    again = leaky(tmp_path / "b.log", f"[ERROR] {piece * 4}\n[ERROR] {JWT}\n[ERROR] {JWT}")
    assert some(again)["secret_leak"] == 3


def test_a_secret_across_two_pieces_of_a_line_is_found(tmp_path: Path) -> None:
    """Pieces of a very long line overlap: a secret on their border is found."""
    start = len(text([*exchange(1), retry()]))
    padding = "x" * ((1 << 20) - len("[ERROR] ") - 20)
    evidence = leaky(tmp_path / "app.log", f"[ERROR] {padding} {JWT} {'y' * 3_000_000}")
    assert start < 1_000
    assert some(evidence)["secret_leak"] == 1


def test_very_many_different_leaks_share_a_group(tmp_path: Path) -> None:
    """Groups are bounded: what leaks beyond them is counted as `others`."""
    lines = "\n".join(f"[ERROR] sk-{number:020d}" for number in range(400))
    evidence = leaky(tmp_path / "app.log", lines)
    assert some(evidence)["secret_leak"] == 400
    assert sum(leak.count for leak in evidence.leaks) == 400
    assert len(evidence.leaks) <= 201
    assert max(evidence.leaks, key=lambda leak: leak.count).fingerprint == "others"


@pytest.mark.parametrize("length", [999, 1_000, 1_001, 4_001, 60_000])
def test_a_live_secret_of_any_length_is_found_whole(tmp_path: Path, length: int) -> None:
    """A private key in one line; its beginning alone is no leak of it."""
    secret = "".join(f"{n:08x}" for n in range(length // 8 + 1))[:length]
    evidence = leaky(tmp_path / "a.log", f"[INFO] {secret}!", secrets=(secret,))
    assert only(evidence).kind == "live_secret"
    evidence = leaky(tmp_path / "b.log", f"[INFO] {secret[:-1]}!", secrets=(secret,))
    assert evidence.leaks == ()
