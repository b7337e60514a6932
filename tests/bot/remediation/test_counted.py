"""What came of fixes is told to the metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from bot.operations.metrics import Unmeasured
from bot.remediation.counted import Counted
from bot.remediation.engine import Confirmation, Engine
from bot.remediation.values import Claim, Done, Wish
from tests.bot.remediation.planted import T0, plant_failures
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

OLIVIA = "U0OLIVIA001"


@dataclass(slots=True)
class Told(Unmeasured):
    """Metrics that remember what they were told of fixes."""

    fixes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def remediation(self, kind: str, outcome: str) -> None:
        """Remember."""
        self.fixes.append((kind, outcome))


async def test_each_outcome_is_told_with_the_kind_of_fix(engine: Engine, roles: RoleUrls) -> None:
    """Proposed, executed once, over for whoever comes later, undone, and what is not known."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)
    told = Told()
    counted = Counted(engine.database, engine.kinds, engine.rules, engine.clock, metrics=told)
    wish = Wish(kind="reset_messages", target="all", by=OLIVIA, channel="C1", at=T0)
    claim = await counted.propose(wish)
    assert isinstance(claim, Claim)
    later = T0 + timedelta(minutes=1)
    given = Confirmation(claim=claim.id, by=OLIVIA, at=later, reason="Evolution is back")
    assert isinstance(await counted.confirm(given), Done)
    await counted.confirm(given)
    await counted.undo(claim.id, by=OLIVIA, at=later)
    await counted.confirm(
        Confirmation(claim=type(claim.id)(int=1), by=OLIVIA, at=later, reason="a guess")
    )
    assert told.fixes == [
        ("reset_messages", "proposed"),
        ("reset_messages", "executed"),
        ("reset_messages", "over"),
        ("reset_messages", "undone"),
        ("unknown", "refused"),
    ]
