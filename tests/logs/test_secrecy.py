"""No secret leaves the log engine: not in evidence, not in state, not in what is asked of it."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.engine.model import Window
from checks.sources.logs.source import ScanRequest, ScanState
from tests.support.logs import NOW, access, exchange, retry, scan_on, stamped, text

LETTERS = string.ascii_letters + string.digits


def _word(seed: int, size: int) -> str:
    return "".join(Random(seed).choices(LETTERS, k=size))


WORD = st.builds(
    _word,
    st.integers(0, 2**32),
    st.integers(20, 60),
)
SHAPES = {
    "jwt": "eyJ{0}.{0}.{0}",
    "bearer": "Bearer {0}",
    "sk_key": "sk-{0}",
    "apikey": "apikey: '{0}'",
    "apikey of two parts": "apikey: '{0}_{0}'",
    "verify_token": "/x?hub.verify_token={0}",
    "webhook_path": "/Webhooks/whatsapp/evolution/{0}",
    "live": "{0}",
    "live in a path": "/hooks/{0}/run",
    "phone": "+{1}",
}
PLACES: dict[str, Callable[[str], list[str]]] = {
    "a path": lambda secret: exchange(7, 500, f"/x/{secret}"),
    "a refused path": lambda secret: exchange(7, 404, secret),
    "a dump": lambda secret: ["[ERROR] failed {", f"  config: {secret},", "}"],
    "an event": lambda secret: [f"[Webhook:no-id] Unknown instance: {secret}, provider: evolution"],
    "a forged response": lambda secret: [
        f"[INFO] [RES] GET {secret} {{ requestId: 'f', status: 500 }}"
    ],
    "far behind": lambda secret: [
        f"[Webhook:no-id] Processing error: {'x ' * 700}{secret} {secret}"
    ],
    "behind another": lambda secret: [
        f"[Webhook:no-id] Processing error: sk-{'x' * 1_250} {' '.join([secret] * 9)}"
    ],
}


def reprs(*values: object) -> str:
    """Everything that a log line or a traceback could print of these values."""
    return "\n".join(repr(value) for value in values)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shape", SHAPES)
@given(word=WORD, digits=st.integers(5_511_900_000_000, 5_511_999_999_999))
@settings(max_examples=4)
def test_a_planted_secret_is_in_no_field(
    tmp_path_factory: pytest.TempPathFactory, shape: str, place: str, word: str, digits: int
) -> None:
    """Whatever its shape and its place, a secret's value is nowhere in evidence or state."""
    secret = SHAPES[shape].format(word, digits)
    hidden = str(digits) if shape == "phone" else word
    live = [word] if shape.startswith("live") else []
    lines = [*exchange(1), *PLACES[place](secret), retry(), *exchange(2)]
    path = tmp_path_factory.mktemp("secrets") / "app.log"
    path.write_bytes(text(stamped(lines, NOW)))
    evidence, state = scan_on(path, secrets=live)
    assert evidence.problem is None
    assert hidden not in reprs(evidence)
    assert hidden not in reprs(state, *state.files.values())
    if live:
        assert evidence.leaks


@given(word=WORD)
@settings(max_examples=20)
def test_an_access_log_shows_no_secret(tmp_path_factory: pytest.TempPathFactory, word: str) -> None:
    """Routes and evidence lines of an access log are masked, live secrets in them too."""
    path = tmp_path_factory.mktemp("secrets") / "access.log"
    paths = (f"/hooks/{word}/run", f"/webhooks/whatsapp/evolution/{word}", f"/x?token={word}")
    path.write_bytes(text(access(500, where, at=NOW) for where in paths))
    evidence, state = scan_on(path, secrets=[word])
    assert len(evidence.routes["http_5xx"]) == 3
    assert word not in reprs(evidence, state)
    assert evidence.signals["http_5xx"].count == evidence.signals["secret_leak"].count == 3


def test_a_live_secret_at_the_cut_of_a_route_is_masked(tmp_path: Path) -> None:
    """A route is shortened only after its secrets are masked: no part of one is left."""
    secret = "correct-horse-battery-staple"
    path = tmp_path / "app.log"
    for length in range(80, 120):
        path.write_bytes(text(exchange(1, 500, f"/{'a-' * (length // 2)}/{secret}/x")))
        evidence, _ = scan_on(path, secrets=[secret], since_offset=0)
        assert "correct" not in reprs(evidence)


def test_a_request_and_a_state_do_not_tell_what_they_hold(tmp_path: Path) -> None:
    """The repr of what goes into a scan names neither the live secrets nor the key."""
    secret, key = "correct-horse-battery-staple", b"the-key-of-the-hmac"
    request = ScanRequest(
        window=Window(since=NOW, until=NOW), secrets=(secret,), fingerprint_key=key
    )
    assert secret not in repr(request)
    assert "the-key" not in repr(request)
    path = tmp_path / "app.log"
    path.write_bytes(text([*exchange(1), f"[ERROR] {secret}", *exchange(2, 500, f"/x/{secret}")]))
    _, state = scan_on(path, secrets=[secret], since_offset=0)
    assert secret not in reprs(state)
    assert isinstance(state, ScanState)
