"""The port through which the bot tells what it does, so that somebody can count it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal, Protocol, TypeAlias

from checks.engine.model import Level

Run: TypeAlias = Literal["point", "tick", "live"]
"""What a run of the checks was for: a point of a watch, a tick between two, or `/golive status`."""

PostOutcome: TypeAlias = Literal["sent", "retried", "given_up", "unrecorded"]
"""What came of one attempt to bring a post into Slack.

unrecorded: the store did not take down what came of it; whoever claims it next looks it up first
"""

CallOutcome: TypeAlias = Literal["ok", "ratelimited", "failed", "refused", "cancelled"]
"""What came of one call of Slack's Web API: `failed` may succeed later, `refused` never will."""

RefusedRequest: TypeAlias = Literal[
    "unverified", "unfinished", "too_large", "malformed", "foreign", "unready"
]
"""Why a request to the port that Slack posts to was refused.

unverified: not signed by Slack within the last five minutes
unfinished: it did not arrive in time, or broke off
malformed:  signed, and nothing that Slack sends
foreign:    signed, and of another workspace
unready:    signed, while Slack has not said yet whose workspace the bot is in
"""


class Metrics(Protocol):
    """What is told as it happens; nothing here waits, fails or answers."""

    def looked(self, run: Run, levels: Mapping[str, Level], seconds: float) -> None:
        """The checks were run: the level of each, and how long looking and judging took."""
        ...

    def scanned(self, size: int, seconds: float) -> None:
        """So many bytes of the log were read in so many seconds."""
        ...

    def taken(self, late: timedelta) -> None:
        """A point of a watch was taken, so long after it was due."""
        ...

    def ticked(self, *, ok: bool) -> None:
        """All watches were looked around for; `ok` if the store took part."""
        ...

    def pinged(self, *, ok: bool) -> None:
        """The dead man's switch was told that golive lives; `ok` if it heard that."""
        ...

    def store_failed(self) -> None:
        """The store did not do what it was asked."""
        ...

    def post(self, outcome: PostOutcome) -> None:
        """A post was tried."""
        ...

    def slack_call(self, method: str, outcome: CallOutcome, seconds: float) -> None:
        """A method of Slack's Web API was called."""
        ...

    def refused_request(self, reason: RefusedRequest) -> None:
        """A request to the port that Slack posts to was refused."""
        ...

    def remediation(self, kind: str, outcome: str) -> None:
        """A fix went a step on: `outcome` is the state that it reached."""
        ...


class Unmeasured:
    """Implements `Metrics` where nobody counts."""

    def looked(self, run: Run, levels: Mapping[str, Level], seconds: float) -> None:
        """Nothing."""

    def scanned(self, size: int, seconds: float) -> None:
        """Nothing."""

    def taken(self, late: timedelta) -> None:
        """Nothing."""

    def ticked(self, *, ok: bool) -> None:
        """Nothing."""

    def pinged(self, *, ok: bool) -> None:
        """Nothing."""

    def store_failed(self) -> None:
        """Nothing."""

    def post(self, outcome: PostOutcome) -> None:
        """Nothing."""

    def slack_call(self, method: str, outcome: CallOutcome, seconds: float) -> None:
        """Nothing."""

    def refused_request(self, reason: RefusedRequest) -> None:
        """Nothing."""

    def remediation(self, kind: str, outcome: str) -> None:
        """Nothing."""


UNMEASURED: Final = Unmeasured()
"""The default wherever the port is an argument."""
