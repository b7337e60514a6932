"""Only the events that name one instance, from a file and from Loki alike."""

from __future__ import annotations

from datetime import timedelta

from bot.demo.formats import Line
from checks.sources.logs.source import ScanRequest
from tests.sources.loki.beds import CONSOLE, Bed
from tests.support.logs import retry, some


async def test_only_the_events_that_name_an_instance_are_counted(bed: Bed) -> None:
    """As a word of its own: neither another that begins like it, nor one that ends like it."""
    texts = [
        *(f"[WHATSAPP] Webhook received from evolution ({name})" for name in NAMES),
        *(f"[Webhook:no-id] Unknown instance: {name}, provider: evolution" for name in NAMES),
        retry(),
    ]
    lines = [Line(bed.begin + timedelta(seconds=60 + n), text) for n, text in enumerate(texts)]
    await bed.write(lines, CONSOLE)
    request = ScanRequest(window=bed.window(), naming="unit_a.1")
    seen, _ = await bed.source().scan(request)
    assert some(seen) == {"webhooks": 1, "unknown_instance": 1}


NAMES = ("unit_a.1", "unit_a.12", "my-unit_a.1", "unit_a1", "unit_b")
