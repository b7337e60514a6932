"""What a scan of Loki remembers, so that the next one asks for new minutes only."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.sources.logs.state import Tally


@dataclass(slots=True, kw_only=True)
class LokiState:
    """How far a stream was counted, and what was counted by then.

    selector: which stream; another one begins anew
    since:    from where on, in epoch milliseconds
    settled:  up to where nothing is asked again: the start of a minute that the lag has passed
    counted:  up to where the last scan looked; between `settled` and here it is asked again
    tally:    counts, evidence and kept ids up to `settled`
    leaks:    what the comparison of candidates found up to `settled`
    beyond:   candidates that were too many to compare
    heads:    first lines of responses, whole or not
    fresh:    entries between `settled` and `counted`
    """

    selector: str
    since: int
    settled: int
    counted: int
    profile: str
    prefix: str
    coloured: bool
    tally: Tally = field(default_factory=Tally)
    leaks: Tally = field(default_factory=Tally)
    beyond: int = 0
    heads: int = 0
    fresh: int = 0

    def copy(self) -> LokiState:
        """An independent copy."""
        return LokiState(
            selector=self.selector,
            since=self.since,
            settled=self.settled,
            counted=self.counted,
            profile=self.profile,
            prefix=self.prefix,
            coloured=self.coloured,
            tally=self.tally.copy(),
            leaks=self.leaks.copy(),
            beyond=self.beyond,
            heads=self.heads,
            fresh=self.fresh,
        )
