"""The commands that only read: status, history, report, logs, and App Home."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.commands import COMMANDS
from bot.desk import Call, Reply, Role
from bot.render import sentences
from bot.render.history import history_message
from bot.render.home import home_view, stranger_view
from bot.render.message import TextFile, View
from bot.render.post_mortem import post_mortem_message
from bot.render.status import live_status, watch_status
from bot.storage.values import Past, StoreUnavailable
from bot.watch import verdict
from bot.watch.knowing import know
from bot.watch.model import WatchView
from bot.watch.parts import Parts
from checks.engine.model import Finding, Problem

_NO_HISTORY = "The store does not answer: watches and history are not available."
_HINT = "`/golive start VERSION` watches a deploy for an hour."
_RECENT = 10


class Asking:
    """Answers what can be asked without changing anything."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def status(self, call: Call) -> Reply:
        """The watch of this channel, or all checks over the last hour."""
        try:
            deployment = await self._parts.store.open_watch(call.channel)
            known = (
                await know(self._parts.store, deployment, self._parts.runbook)
                if deployment is not None
                else None
            )
        except StoreUnavailable:
            return await self._live(call, problems=(_NO_HISTORY,))
        if known is None:
            return await self._live(call, hint=_HINT)
        report = await self._parts.look(known, call)
        unjudged: tuple[Finding, ...] = ()
        if known.report is not None:
            report, unjudged = verdict.beside(known.report, report)
        view = known.view(self._parts.runbook, call.at, report=report, live=True)
        view = replace(view, unjudged=unjudged)
        return Reply(message=watch_status(view), in_channel=True)

    async def history(self, call: Call) -> Reply:
        """The last watches of the channel and their verdicts."""
        try:
            past = await self._parts.store.recent(call.channel, _RECENT)
        except StoreUnavailable:
            return Reply(message=sentences.store_down("history"))
        return Reply(message=history_message(past))

    async def report(self, call: Call) -> Reply:
        """The channel's watch, or its last one, as Markdown with the picture."""
        try:
            past = await self._parts.store.recent(call.channel, 1)
            if not past:
                return Reply(message=sentences.no_watch("report"))
            known = await know(self._parts.store, past[0].deployment, self._parts.runbook)
            actions = await self._parts.store.audit_of(known.deployment.id)
            keys = [one.point.key for one in known.taken]
            reports = await self._parts.store.reports(known.deployment.id, keys)
        except StoreUnavailable:
            return Reply(message=sentences.store_down("report"))
        taken = tuple(replace(one, report=reports.get(one.point.key)) for one in known.taken)
        view = replace(known.view(self._parts.runbook, call.at), taken=taken, notes=known.notes)
        picture = await self._parts.speech.picture(view)
        return Reply(message=post_mortem_message(view, actions=actions, picture=picture))

    async def logs(self, call: Call, lines: int) -> Reply:
        """The last lines of the log, masked, as a file."""
        found = await self._parts.lookout.tail(lines)
        if isinstance(found, Problem):
            return Reply(message=sentences.say(str(found)))
        if not found:
            return Reply(message=sentences.say("The log is empty. `golive doctor` looks at it."))
        name = f"golive-log-{call.at:%Y%m%d-%H%M%S}.txt"
        file = TextFile(
            name=name, title=f"The last {len(found)} lines of the log", text="\n".join(found)
        )
        said = sentences.say(f"The last {len(found)} lines of the log, secrets masked.")
        return Reply(message=replace(said, files=(file,)))

    async def home(self, role: Role) -> View:
        """Running watches, the last verdicts, and what the reader may do."""
        if role is Role.NOBODY:
            return stranger_view()
        views: list[WatchView] = []
        past: tuple[Past, ...] = ()
        problems: tuple[str, ...] = ()
        try:
            for deployment in await self._parts.store.open_watches():
                known = await know(self._parts.store, deployment, self._parts.runbook)
                views.append(known.view(self._parts.runbook, self._parts.clock.now()))
            past = await self._parts.store.recent(None, _RECENT)
        except StoreUnavailable:
            problems = (_NO_HISTORY,)
        return home_view(views, past, COMMANDS, operator=role is Role.OPERATOR, problems=problems)

    async def _live(self, call: Call, *, problems: tuple[str, ...] = (), hint: str = "") -> Reply:
        report = await self._parts.lookout.live()
        age = max(timedelta(0), call.at - report.taken_at)
        message = live_status(report, age=age, problems=problems, hint=hint)
        return Reply(message=message, in_channel=True)
