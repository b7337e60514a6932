"""The commands that change something: start, checkpoint, ack, accept, silence, close."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bot.desk import Call, Reply
from bot.render import sentences
from bot.render.message import Message
from bot.storage.values import AuditEntry, NewPost, StatusContent, StoreUnavailable
from bot.watch import alarms
from bot.watch.knowing import Known, know, present
from bot.watch.model import Deployment, Note, NoteKind
from bot.watch.parts import Parts
from checks.engine.decision import ACCEPTABLE
from checks.engine.model import Json, Report


class Deciding:
    """Does what people decide; each of it is safe to repeat."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def start(self, call: Call, version: str, ago: timedelta) -> Reply:
        """Begin the watch over a version deployed `ago`; twice is one watch."""
        try:
            deployment, created = await self._parts.store.start(
                channel=call.channel,
                version=version,
                deployed_at=call.at - ago,
                by=call.user,
                at=call.at,
            )
            if created:
                await self._audit(call, deployment, "start", f"Watch over {version} began.")
        except StoreUnavailable:
            return Reply(message=sentences.store_down("start"))
        if not created and deployment.version != version:
            return Reply(message=sentences.watch_runs(deployment))
        self._parts.running.arm(deployment)
        return Reply(message=sentences.watch_begins(deployment, again=not created))

    async def checkpoint(self, call: Call) -> Reply:
        """Take a checkpoint now, by the thresholds of the last one."""
        try:
            deployment = await self._parts.store.open_watch(call.channel)
            if deployment is None:
                return Reply(message=sentences.no_watch("checkpoint"))
            known = await know(self._parts.store, deployment, self._parts.runbook)
            if not known.taken:
                return Reply(message=sentences.say("The watch begins just now; ask in a moment."))
            point = present(known, self._parts.runbook, call.at)
            taken = await self._parts.taker.take(deployment, point)
            if taken is None:
                return Reply(message=await self._taken_already(deployment, point.key))
            outcome = f"Checkpoint {point.key}: {taken.decision}."
            await self._audit(call, deployment, "checkpoint", outcome, {"key": point.key})
        except StoreUnavailable:
            return Reply(message=sentences.store_down("checkpoint"))
        self._parts.wake()
        return Reply(
            message=sentences.say(f"Checkpoint taken: {taken.decision}. It is in the thread.")
        )

    async def _taken_already(self, deployment: Deployment, key: str) -> Message:
        """Why a checkpoint was not taken: somebody else's of the same second is, or was."""
        store = self._parts.store
        found = [one for one in await store.taken(deployment.id) if one.point.key == key]
        if not found:
            return sentences.say("A checkpoint is being taken already; it will be in the thread.")
        entries = await store.audit_of(deployment.id)
        by = [entry.by for entry in entries if entry.details.get("key") == key]
        return sentences.just_taken(found[0].decision, by[0] if by else None)

    async def ack(self, call: Call) -> Reply:
        """Acknowledge the present alarm: it is not repeated."""
        try:
            deployment = await self._parts.store.open_watch(call.channel)
            if deployment is None:
                return Reply(message=sentences.no_watch("ack"))
            known = await know(self._parts.store, deployment, self._parts.runbook)
            called_at = alarms.called_at(known.state.memory, known.present)
            if called_at is None:
                return Reply(message=sentences.nothing_to_ack())
            answered = alarms.answer(called_at, known.notes)
            if answered is not None:
                return Reply(message=sentences.already_acked(answered.by))
            note = Note(kind=NoteKind.ACK, by=call.user, at=call.at)
            await self._note(call, known, note, "ack", "Acknowledged the alarm.")
        except StoreUnavailable:
            return Reply(message=sentences.store_down("ack"))
        return Reply(message=sentences.say("Acknowledged: you are on it, and it is in the thread."))

    async def accept(self, call: Call, check: str, reason: str) -> Reply:
        """Accept a WARNING or UNKNOWN for the rest of the watch."""
        try:
            found = await self._watch_and_check(call, "accept", check)
            if isinstance(found, Message):
                return Reply(message=found)
            report = await self._parts.look(found, call)
            refused = _not_acceptable(report, check)
            if refused is not None:
                return Reply(message=refused)
            note = Note(kind=NoteKind.ACCEPT, by=call.user, at=call.at, check=check, reason=reason)
            await self._note(call, found, note, "accept", f"Accepted {check}: {reason}")
        except StoreUnavailable:
            return Reply(message=sentences.store_down("accept"))
        return Reply(
            message=sentences.say(
                f"Accepted `{check}` until the watch ends. Every verdict names you with it; it"
                " never counts against a rollback criterion."
            )
        )

    async def silence(self, call: Call, check: str, duration: timedelta) -> Reply:
        """Count a check as UNKNOWN for a while; never a rollback criterion."""
        try:
            found = await self._watch_and_check(call, "silence", check)
            if isinstance(found, Message):
                return Reply(message=found)
            until = call.at + duration
            note = Note(kind=NoteKind.SILENCE, by=call.user, at=call.at, check=check, until=until)
            await self._note(call, found, note, "silence", f"Silenced {check} until {until:%H:%M}.")
        except StoreUnavailable:
            return Reply(message=sentences.store_down("silence"))
        return Reply(
            message=sentences.say(
                f"Silenced `{check}` until {until:%H:%M} UTC: it counts as UNKNOWN, is shown, and a"
                " rollback criterion still sees it."
            )
        )

    async def close(self, call: Call) -> Reply:
        """End the watch of this channel."""
        try:
            deployment = await self._parts.store.open_watch(call.channel)
            if deployment is None:
                return Reply(message=sentences.no_watch("close"))
            if await self._parts.running.close(deployment, by=call.user):
                await self._audit(call, deployment, "close", "Watch closed.")
        except StoreUnavailable:
            return Reply(message=sentences.store_down("close"))
        return Reply(message=sentences.say(f"The watch over `{deployment.version}` is closed."))

    async def _watch_and_check(self, call: Call, command: str, check: str) -> Known | Message:
        """The channel's watch, if there is one and the check exists; else what to say."""
        deployment = await self._parts.store.open_watch(call.channel)
        if deployment is None:
            return sentences.no_watch(command)
        if check not in self._parts.checks or check in self._parts.runbook.switched_off:
            known = [
                name for name in self._parts.checks if name not in self._parts.runbook.switched_off
            ]
            return sentences.unknown_check(check, known)
        return await know(self._parts.store, deployment, self._parts.runbook)

    async def _note(self, call: Call, known: Known, note: Note, action: str, outcome: str) -> None:
        """Keep what a person decided, and show it in the status message and the thread."""
        deployment = known.deployment
        await self._parts.store.add_note(deployment.id, note)
        await self._audit(call, deployment, action, outcome)
        noted = known.noted(note)
        view = noted.view(self._parts.runbook, call.at)
        posts: list[NewPost] = [
            StatusContent(message=self._parts.speech.status(view)).post(deployment)
        ]
        if note.kind is NoteKind.ACK:
            posts.append(self._parts.speech.acknowledged(view, note))
            posts += await self._parts.speech.edits(self._parts.store, noted)
        await self._parts.store.enqueue(posts)
        self._parts.lookout.expire(str(deployment.id))
        self._parts.wake()

    async def _audit(
        self,
        call: Call,
        deployment: Deployment,
        action: str,
        outcome: str,
        details: Mapping[str, Json] | None = None,
    ) -> None:
        await self._parts.store.audit(
            AuditEntry(
                at=call.at,
                by=call.user,
                action=action,
                outcome=outcome,
                channel=call.channel,
                deployment_id=deployment.id,
                details=details or {},
            )
        )


def _not_acceptable(report: Report, check: str) -> Message | None:
    """Why a check cannot be accepted now; None where it can."""
    finding = next((f for f in report.findings if f.check == check), None)
    if finding is None or finding.accepted_by is not None:
        return None
    if finding.level in ACCEPTABLE:
        return None
    return sentences.not_acceptable(check, f"it is {finding.level}.")
