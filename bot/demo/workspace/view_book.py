"""Views: the modals that a user has open, and each user's Home."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.demo.workspace.changes import Change, Changes, Kind
from bot.demo.workspace.ids import Ids
from bot.demo.workspace.values import Json, Now, SlackError, copy, objects
from bot.demo.workspace.views import View, initial_values
from bot.render.limits import TRIGGER_SECONDS, VIEWS_PER_STACK


@dataclass(slots=True, kw_only=True)
class _Trigger:
    user: str
    expires: datetime
    view: str | None
    used: bool = False


class ViewBook:
    """All views, and the triggers that allow to open one.

    Args:
        now: the clock, in UTC.
        changes: told of every change.
        ids: for blocks that come without one.
        life: the clock that triggers expire by.
    """

    def __init__(self, now: Now, changes: Changes, ids: Ids, life: Now) -> None:
        self._now = now
        self._life = life
        self._changes = changes
        self._views: dict[str, View] = {}
        self._stacks: dict[str, list[str]] = {}
        self._homes: dict[str, View] = {}
        self._triggers: dict[str, _Trigger] = {}
        self._ids = ids
        self._count = 0

    def trigger(self, user: str, view: str | None = None) -> str:
        """A trigger of a user's action; it opens one view within three seconds."""
        micros = int(self._now().timestamp() * 1_000_000)
        name = f"{micros}.{self._number()}.{self._count:032x}"
        expires = self._life() + timedelta(seconds=TRIGGER_SECONDS)
        self._triggers[name] = _Trigger(user=user, expires=expires, view=view)
        return name

    def stack(self, user: str) -> tuple[View, ...]:
        """The modals that a user has open, the visible one last."""
        return tuple(self._views[name] for name in self._stacks.get(user, ()))

    def top(self, user: str) -> View | None:
        """The modal that a user sees."""
        stack = self.stack(user)
        return stack[-1] if stack else None

    def home(self, user: str) -> View | None:
        """The published Home of a user."""
        return self._homes.get(user)

    def get(self, view_id: str) -> View | None:
        """An open view or a Home by its id."""
        homes = (v for v in self._homes.values() if v.id == view_id)
        return self._views.get(view_id) or next(homes, None)

    def open(self, trigger: str, payload: Json) -> View:
        """Open a modal; it takes the place of those that are open."""
        user = self._exchange(trigger)
        view = self._new(user, payload, previous=None)
        for other in self.stack(user):
            self.close(other.id)
        return self._show(view)

    def push(self, trigger: str, payload: Json) -> View:
        """Lay a modal over the visible one."""
        user = self._exchange(trigger)
        return self.push_for(user, payload)

    def push_for(self, user: str, payload: Json) -> View:
        """Lay a modal over a user's visible one, as an answer to a submission.

        Raises:
            SlackError: none is open, or as many as Slack allows.
        """
        top = self.top(user)
        if top is None:
            raise SlackError("not_found")
        if len(self.stack(user)) >= VIEWS_PER_STACK:
            raise SlackError("push_limit_reached")
        view = self._new(user, payload, previous=top.id)
        return self._show(replace(view, root=top.root))

    def update(self, view: View, payload: Json, *, given_hash: str | None = None) -> View:
        """Replace what a view shows; what was typed stays where the ids stay.

        Raises:
            SlackError: somebody changed it since.
        """
        if given_hash is not None and given_hash != view.hash:
            raise SlackError("hash_conflict")
        self._check_external(payload, view.id)
        payload = self._filled(payload)
        values = initial_values(payload, view.values)
        new = replace(view, payload=payload, hash=self._hash(), values=values)
        self._keep(new)
        self._changes.tell(Change(kind=Kind.VIEW_UPDATED, view=new))
        return new

    def publish(self, user: str, payload: Json, *, given_hash: str | None = None) -> View:
        """Publish a user's Home."""
        old = self._homes.get(user)
        if given_hash is not None and (old is None or given_hash != old.hash):
            raise SlackError("hash_conflict")
        view = self._new(user, payload, previous=None)
        if old is not None:
            view = replace(view, id=old.id, root=old.id)
        self._homes[user] = view
        self._changes.tell(Change(kind=Kind.HOME_PUBLISHED, view=view))
        return view

    def find(self, view_id: str | None, external_id: str | None) -> View:
        """A view by either id.

        Raises:
            SlackError: there is none, or it is closed.
        """
        by_external = (v for v in self._views.values() if v.payload.get("external_id"))
        for view in by_external if external_id else ():
            if view.payload["external_id"] == external_id:
                return view
        view = self.get(view_id or "")
        if view is None:
            raise SlackError("not_found")
        return view

    def set_values(self, view: View, values: Json) -> View:
        """Note what a user typed and chose; the hash stays."""
        new = replace(self.get(view.id) or view, values=copy(values))
        self._keep(new)
        return new

    def close(self, view_id: str) -> None:
        """Close a modal."""
        view = self._views.pop(view_id, None)
        if view is not None:
            self._stacks[view.user].remove(view_id)
            self._changes.tell(Change(kind=Kind.VIEW_CLOSED, view=view))

    def _keep(self, view: View) -> None:
        if view.type == "home":
            self._homes[view.user] = view
        elif view.id in self._views:
            self._views[view.id] = view

    def _show(self, view: View) -> View:
        self._views[view.id] = view
        self._stacks.setdefault(view.user, []).append(view.id)
        self._changes.tell(Change(kind=Kind.VIEW_OPENED, view=view))
        return view

    def _new(self, user: str, payload: Json, *, previous: str | None) -> View:
        name = f"V{self._number():010d}"
        self._check_external(payload, name)
        payload = self._filled(payload)
        return View(
            id=name,
            user=user,
            payload=payload,
            hash=self._hash(),
            root=name,
            previous=previous,
            values=initial_values(payload, {}),
        )

    def _filled(self, payload: Json) -> Json:
        return {**copy(payload), "blocks": self._ids.fill(objects(payload.get("blocks")))}

    def _check_external(self, payload: Json, own: str) -> None:
        external = payload.get("external_id")
        taken = (v.id for v in self._views.values() if v.payload.get("external_id") == external)
        if external and any(name != own for name in taken):
            raise SlackError("duplicate_external_id")

    def _exchange(self, name: str) -> str:
        trigger = self._triggers.get(name)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._life() >= trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def _hash(self) -> str:
        return f"{int(self._now().timestamp())}.{self._number():08x}"

    def _number(self) -> int:
        self._count += 1
        return self._count
