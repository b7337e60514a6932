"""golive's own test events in the log, from a file and from Loki alike: by name, in the window."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from bot.demo.formats import Format, Layout, Line
from checks.engine.own_events import own_probes
from tests.sources.loki.beds import CONSOLE, Bed
from tests.support.logs import retry, some

OURS, EARLIER, FORGED = "golive-probe-0badcafe", "golive-probe-5eedbeef", "golive-probe-00000000"
UNKNOWN = "[Webhook:no-id] Unknown instance: {}, provider: evolution"
PINO = Format(Layout.PINO)


def said(form: Format, at: datetime, text: str) -> str:
    """A line of a format."""
    if form is CONSOLE:
        return text
    return json.dumps({"level": 30, "time": int(at.timestamp() * 1000), "msg": text})


@pytest.mark.parametrize("form", [CONSOLE, PINO], ids=["console", "pino"])
async def test_they_are_counted_by_name(bed: Bed, form: Format) -> None:
    """Also where another scan goes on; a stranger's and an echo of them are not golive's own."""

    async def write(seconds: float, *texts: str) -> None:
        lines = [
            Line(bed.begin + timedelta(seconds=seconds + n), text) for n, text in enumerate(texts)
        ]
        await bed.write([Line(one.at, said(form, one.at, one.text)) for one in lines], form)

    await write(60, retry(), UNKNOWN.format(EARLIER))
    await write(
        600,
        *(UNKNOWN.format(name) for name in (OURS, FORGED, "unit_old", f"{OURS}9x", f"x{OURS}")),
        f"[SECURITY] Auth Failed: webhook_no-id - Unknown instance: {OURS}",
    )
    seen, state = await bed.scan(bed.window(300, 660))
    assert some(seen)["unknown_instance"] == 5
    assert seen.own_events == {OURS: 1, FORGED: 1}
    assert own_probes(seen, (OURS, EARLIER, OURS)) == {"unknown_instance": 1}
    assert own_probes(seen, (EARLIER,)) == {}
    await write(700, UNKNOWN.format(OURS))
    seen, _ = await bed.scan(bed.window(300), state)
    assert own_probes(seen, (OURS,)) == {"unknown_instance": 2}


async def test_the_path_of_a_test_event_holds_no_secret(bed: Bed) -> None:
    """Not even where its address is not masked; any other one there is a leak."""
    asked = "[INFO] [REQ] POST /webhooks/whatsapp/Evolution/{} {{ requestId: 'q1', ip: '::1' }}"
    lines = [asked.format(OURS), asked.format(f"{OURS}-not"), asked.format("guessed-by-a-stranger")]
    await bed.write([Line(bed.begin + timedelta(seconds=60), line) for line in lines], CONSOLE)
    seen, _ = await bed.scan(bed.window())
    assert sum(leak.count for leak in seen.leaks) == 2
