"""A place in the log, to be read on from later: by this process, or by one that comes after it."""

from __future__ import annotations

from datetime import datetime

from checks.engine.model import Window
from checks.sources.logs.source import LogSource, Mark, ScanRequest


async def end_of(log: LogSource | None) -> Mark | None:
    """Where the log ends now; None where it is no file, for then its entries carry times."""
    marks = await log.marks() if log is not None else ()
    return marks[-1] if marks else None


async def read_from(
    log: LogSource,
    place: Mark | None,
    since: datetime,
    until: datetime,
    *,
    naming: str | None = None,
) -> ScanRequest:
    """What to ask for, to see everything behind a place in the log.

    Args:
        log: which one.
        place: where it ended once; a file that was begun anew since is read from its beginning.
        since: when it ended there, for a log whose entries carry times.
        until: up to when.
        naming: count only events whose line has this name.
    """
    now = await end_of(log)
    window = Window(since=since, until=until)
    if now is None:
        return ScanRequest(window=window, naming=naming)
    if place is None or (place.path, place.inode) != (now.path, now.inode):
        return ScanRequest(window=window, since_offset=0, naming=naming)
    cut = now.offset < place.offset
    return ScanRequest(window=window, since_offset=0 if cut else place.offset, naming=naming)
