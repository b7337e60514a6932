"""`/golive diagnose`: look, conclude, offer the fix that fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.actions import PREFIX
from bot.desk import Call, Reply
from bot.remediation.reset_messages import ResetMessages
from bot.remediation.values import FixUnavailable, Wish
from bot.render.diagnosis import diagnosis_message
from bot.render.message import Button
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable, WatchState
from bot.watch.buttons import rollback_button
from bot.watch.fix_shop import Workshop
from bot.watch.lookout import Lookout
from bot.watch.model import Deployment
from checks.diagnosis import Incident, procedure_of
from checks.diagnosis.model import Diagnosis, Fix, FixKind
from checks.diagnosis.runner import Sources, diagnose

_MOST: Final = 4
_LABEL: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosing:
    """Runs the four procedures.

    shop: makes the fixes that are offered; None where none are
    """

    store: Store
    lookout: Lookout
    sources: Sources
    shop: Workshop | None = None

    async def diagnose(self, call: Call, incident: int) -> Reply:
        """Which root cause of an incident holds, and the fix that fits."""
        deployment, state = await self._watch(call)
        occasion = self.lookout.occasion(deployment, state)
        procedure = procedure_of(Incident(incident))
        found = await diagnose(procedure, self.sources, occasion, self.lookout.runbook)
        await self._note(found)
        buttons = await self._buttons(call, found, deployment)
        secrets = await self.lookout.live_secrets()
        message = diagnosis_message(found, buttons=buttons, secrets=secrets)
        return Reply(message=message, in_channel=True)

    async def _watch(self, call: Call) -> tuple[Deployment | None, WatchState]:
        try:
            deployment = await self.store.open_watch(call.channel)
            if deployment is None:
                return None, WatchState()
            return deployment, await self.store.state(deployment.id)
        except StoreUnavailable:
            return None, WatchState()

    async def _note(self, found: Diagnosis) -> None:
        """Its own test event is no unknown instance of the application's, for any replica."""
        if not found.probe_name:
            return
        self.lookout.remember_events({found.probe_name: found.taken_at})
        try:
            await self.store.add_own_event(found.probe_name, found.taken_at)
        except StoreUnavailable:
            return

    async def _buttons(
        self, call: Call, found: Diagnosis, deployment: Deployment | None
    ) -> tuple[Button, ...]:
        fix = found.fix
        if self.shop is None or fix is None or fix.kind is FixKind.MANUAL:
            return ()
        if fix.kind is FixKind.ROLLBACK:
            return (rollback_button(deployment),)
        if fix.kind is FixKind.RESET_MESSAGES:
            return await self._units(call)
        return tuple(
            _button(number, f"{_verb(fix)} {target.name}", f'{fix.kind.value} "{target.id}"')
            for number, target in enumerate(fix.targets[:_MOST])
        )

    async def _units(self, call: Call) -> tuple[Button, ...]:
        """A button for each unit with failed messages; all of them only where that is pressed."""
        kind = self.shop.engine.kinds["reset_messages"] if self.shop is not None else None
        if self.shop is None or not isinstance(kind, ResetMessages):
            return ()
        wish = Wish(kind=kind.name, target="", by=call.user, channel=call.channel, at=call.at)
        try:
            async with self.shop.engine.database.transaction() as connection:
                rows = await kind.units(connection, wish)
        except FixUnavailable:
            return ()
        named = [(f"Reset {row['name']} ({row['failed']})", str(row["id"])) for row in rows[:_MOST]]
        if len(rows) > 1:
            total = sum(row["failed"] for row in rows)
            named.append((f"Reset all units ({total})", "all"))
        return tuple(
            _button(number, label, f"{kind.name} {target}")
            for number, (label, target) in enumerate(named)
        )


def _verb(fix: Fix) -> str:
    return "Regenerate secret of" if fix.kind is FixKind.REGENERATE_SECRET else "Reset"


def _button(number: int, label: str, value: str) -> Button:
    return Button(
        action=f"{PREFIX}fix:{number}", label=label[:_LABEL], value=value, style="primary"
    )
