"""When the absence of something in the log is evidence, and when it proves nothing.

Zero errors are good news only from a log that is seen to work. These are the reasons that a
check gives when it does not.
"""

from __future__ import annotations

from checks.engine.check import View
from checks.engine.model import Problem


def silence(view: View) -> Problem | None:
    """Why nothing can be concluded from what the log does not show; None when the log works.

    It works when any signal occurred in it since the deploy, in whatever part of it.
    """
    if any(found.count > 0 for found in view.evidence.log.signals.values()):
        return None
    return nothing_seen(view, "event")


def nothing_seen(view: View, what: str) -> Problem:
    """The reason why none of `what` ("response", "event") was recognised in the log."""
    log = view.evidence.log
    if log.grew is False:
        return Problem(
            what="The log did not grow.",
            mend="Check that the application still writes to it (disk full, rotated, stopped).",
        )
    if log.lines == 0:
        return Problem(
            what="The log has no line in the window.",
            mend="Check that this is the log the application writes now, and the window.",
        )
    if log.recognised == 0:
        return Problem(
            what=f"None of the log's {log.lines} lines was recognised (format {log.profile}).",
            mend="See what is in it with `golive signals LOG`; it may be another program's log.",
        )
    return Problem(
        what=f"No {what} was recognised in the log: no traffic, or the log level hides it.",
        mend="Send a request through the application, or check that it logs its responses.",
    )
