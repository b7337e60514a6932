"""Logs for the benchmark: an hour at a constant rate, in the recorded mix, with fresh ids."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

FIXTURE = Path(__file__).parent.parent / "fixtures" / "crm" / "app"
# The statuses of the recorded hour, health probes included (which answer 200).
MIX = {
    200: 2675,
    201: 220,
    400: 32,
    401: 80,
    403: 134,
    404: 74,
    410: 20,
    429: 31,
    500: 24,
    502: 52,
}
HEALTH_SHARE = 0.35
_ROUTES = ("/messages", "/leads/{id}", "/conversations/{id}/messages", "/inbox?limit=50&page=2")
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "axios/1.13.2",
)
_BATCH = 20_000
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SIGNAL = {401: "http_401", 403: "http_403", 429: "http_429"}


def _uuids(rng: random.Random, n: int) -> list[str]:
    text = rng.randbytes(16 * n).hex()
    return [
        f"{text[i : i + 8]}-{text[i + 8 : i + 12]}-4{text[i + 13 : i + 16]}-"
        f"a{text[i + 17 : i + 20]}-{text[i + 20 : i + 32]}"
        for i in range(0, 32 * n, 32)
    ]


def access_log(path: Path, size: int, seed: int = 1) -> dict[str, int]:
    """Write at least `size` bytes of a combined access log; the true counts of its signals."""
    rng = random.Random(seed)
    counts: Counter[int] = Counter()
    health = 0
    lines_in_all = max(1, size // 190)
    statuses, weights = list(MIX), list(MIX.values())
    written = line = 0
    with path.open("w", encoding="ascii") as out:
        while written < size:
            picked = rng.choices(statuses, weights, k=_BATCH)
            ids = _uuids(rng, _BATCH)
            batch: list[str] = []
            for status, key in zip(picked, ids, strict=True):
                second = min(3599, line * 3600 // lines_in_all)
                line += 1
                route = _ROUTES[line % 4].format(id=key)
                if status == 200 and rng.random() < HEALTH_SHARE * sum(weights) / MIX[200]:
                    route, health = "/health", health + 1
                batch.append(
                    f"203.0.113.{line % 250} - - [23/Nov/2026:21:{second // 60:02d}:"
                    f'{second % 60:02d} +0000] "GET {route} HTTP/1.1" {status} {line % 9000} '
                    f'"-" "{_AGENTS[line % 3]}"\n'
                )
            counts.update(picked)
            written += out.write("".join(batch))
    return _signals(counts) | {"http_health": health}


def _signals(counts: Counter[int]) -> dict[str, int]:
    true = {"http_responses": counts.total()}
    true["http_5xx"] = sum(n for status, n in counts.items() if status >= 500)
    return true | {signal: counts[status] for status, signal in _SIGNAL.items()}


def crm_log(path: Path, size: int, seed: int = 1) -> dict[str, int]:
    """Repeat the recorded log up to `size` bytes, each time with fresh ids; the true counts."""
    rng = random.Random(seed)
    recorded = gzip.decompress(FIXTURE.with_suffix(".log.gz").read_bytes())
    recorded += b"" if recorded.endswith(b"\n") else b"\n"
    pieces = _UUID.split(recorded)
    found = _UUID.findall(recorded)
    numbers = {key: n for n, key in enumerate(dict.fromkeys(found))}
    places = [numbers[key] for key in found]
    truth: dict[str, int] = json.loads(Path(f"{FIXTURE}.signals.json").read_text())["signals"]
    repeats = max(1, -(-size // len(recorded)))
    with path.open("wb") as out:
        for _ in range(repeats):
            fresh = [key.encode() for key in _uuids(rng, len(numbers))]
            parts = [b""] * (2 * len(places) + 1)
            parts[::2] = pieces
            parts[1::2] = [fresh[place] for place in places]
            out.write(b"".join(parts))
    return {signal: n * repeats for signal, n in truth.items()}
