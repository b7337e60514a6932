"""What people do in the workspace, as a test or a page lets them do it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from uuid import UUID

from bot.demo.workspace import payloads
from bot.demo.workspace.context import Context
from bot.demo.workspace.delivery import Ack, Delivery, Envelope, EnvelopeType, NoRouteError
from bot.demo.workspace.inputs import (
    CanNotError,
    Chosen,
    find_element,
    missing_inputs,
    state_of,
    with_choices,
)
from bot.demo.workspace.messages import Draft, Message
from bot.demo.workspace.people import User
from bot.demo.workspace.response_urls import ResponseUrls
from bot.demo.workspace.values import Json, Now, SlackError, mapping
from bot.demo.workspace.views import View
from bot.render.limits import ACK_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an action.

    Attributes:
        ack: the bot's ack; None if none came in time.
        error: what Slack's client shows: `dispatch_failed` (nobody there),
            `operation_timeout` (no ack in time), or the word for a bad answer.
        errors: the errors of a submission, by block id.
        view: the modal that the person sees afterwards.
    """

    envelope_id: str
    trigger_id: str = ""
    response_url: str = ""
    ack: Ack | None = None
    error: str | None = None
    errors: Json = field(default_factory=dict[str, object])
    view: View | None = None


class Actor:
    """Acts for any person.

    Args:
        now: the clock, in UTC.
        context: what is there.
        delivery: how the bot hears of it.
        response_urls: gives out addresses.
        patience: real seconds to wait for an ack.
    """

    def __init__(
        self,
        now: Now,
        context: Context,
        delivery: Delivery,
        response_urls: ResponseUrls,
        *,
        patience: float = float(ACK_SECONDS),
    ) -> None:
        self._now = now
        self._context = context
        self._state = context.state
        self._delivery = delivery
        self._response_urls = response_urls
        self.patience = patience

    async def command(self, user: str, channel: str, text: str) -> Outcome:
        """Type a slash command, such as `/golive status`."""
        person, place = self._state.user(user), self._state.place(channel)
        self._check_member(user, channel)
        command, _, rest = text.partition(" ")
        if not command.startswith("/"):
            raise CanNotError("A command begins with a slash.")
        trigger = self._state.views.trigger(user)
        url = self._response_urls.create(user=user, channel=channel)
        payload = payloads.slash_command(
            person, place, command, rest.strip(), trigger=trigger, response_url=url
        )
        outcome = await self._send("slash_commands", payload)
        return self._answered(replace(outcome, trigger_id=trigger, response_url=url), payload)

    async def click(
        self,
        user: str,
        where: Message | View,
        action_id: str,
        *,
        block_id: str | None = None,
        value: Chosen | None = None,
        confirm: bool = False,
    ) -> Outcome:
        """Press a button or choose in a menu, also of an old version of a message.

        Raises:
            CanNotError: the person does not see it, it asks and `confirm` is not given, or it
                tells nobody: an input's element does so only where the block dispatches actions.
        """
        blocks = where.all_blocks() if isinstance(where, Message) else where.blocks
        block, element = find_element(blocks, action_id, block_id)
        if element.get("confirm") and not confirm:
            raise CanNotError(f"{action_id} asks first: say confirm=True.")
        if value is None and element["type"] not in {"button", "workflow_button"}:
            raise CanNotError(f"A {element['type']} needs a value.")
        if block["type"] == "input" and not block.get("dispatch_action"):
            raise CanNotError(f"{action_id} is read when the view is submitted, and not before.")
        ts = self._state.messages.next_ts()
        action = payloads.action_of(block, element, value, ts)
        person = self._state.user(user)
        if isinstance(where, View):
            return await self._click_view(person, where, action, element, value)
        return await self._click_message(person, where, action)

    async def submit(
        self, user: str, view: View, values: dict[str, Chosen] | None = None
    ) -> Outcome:
        """Fill in the visible modal and submit it; keys are action ids.

        Raises:
            CanNotError: it is not visible, has no submit button, or an input is empty.
        """
        shown = self._visible(user, view)
        filled = with_choices(shown, values or {})
        missing = missing_inputs(shown, filled)
        if missing:
            raise CanNotError(f"Required inputs are empty: {', '.join(missing)}.")
        if not shown.payload.get("submit") or shown.payload.get("submit_disabled"):
            raise CanNotError("The modal has no submit button.")
        shown = self._state.views.set_values(shown, filled)
        trigger = self._state.views.trigger(user, shown.id)
        person = self._state.user(user)
        payload = payloads.view_submission(person, shown, trigger=trigger)
        outcome = replace(await self._send("interactive", payload), trigger_id=trigger)
        return self._submitted(outcome, shown)

    async def close(self, user: str, view: View, *, all_of_them: bool = False) -> Outcome | None:
        """Close the visible modal, or all; None if the bot did not ask to hear of it."""
        shown = self._visible(user, view)
        stack = self._state.views.stack(user)
        for each in reversed(stack) if all_of_them else (shown,):
            self._state.views.close(each.id)
        if not shown.payload.get("notify_on_close"):
            return None
        person = self._state.user(user)
        payload = payloads.view_closed(person, shown, cleared=all_of_them)
        return await self._send("interactive", payload)

    async def open_home(self, user: str, tab: str = "home") -> Outcome:
        """Open the app's Home; the bot is told until it acks."""
        event: Json = {
            "type": "app_home_opened",
            "user": user,
            "channel": self._state.direct(user).id,
            "tab": tab,
            "event_ts": self._state.messages.next_ts(),
        }
        home = self._state.views.home(user)
        if home is not None:
            event["view"] = home.to_json()
        number = self._state.messages.next_number()
        payload = payloads.event(event, number=number, now=self._now())
        return await self._send("events_api", payload)

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Message:
        """Write a message as a person; the bot is not told."""
        self._check_member(user, channel)
        return self._state.messages.post(
            channel=channel, user=user, bot=False, draft=Draft(text=text), thread_ts=thread_ts
        )

    async def _click_message(self, person: User, message: Message, action: Json) -> Outcome:
        self._check_member(person.id, message.channel)
        if message.reader not in {None, person.id}:
            raise CanNotError("Only its reader sees an ephemeral message.")
        trigger = self._state.views.trigger(person.id)
        url = self._response_urls.create(user=person.id, channel=message.channel, message=message)
        place = self._state.place(message.channel)
        payload = payloads.message_action(
            person, place, message, action, trigger=trigger, response_url=url
        )
        outcome = await self._send("interactive", payload)
        return replace(outcome, trigger_id=trigger, response_url=url)

    async def _click_view(
        self, person: User, view: View, action: Json, element: Json, value: Chosen | None
    ) -> Outcome:
        if view.user != person.id:
            raise CanNotError("Only its user sees a view.")
        if value is not None:
            values: Json = {k: dict(mapping(v)) for k, v in view.values.items()}
            state = state_of(element, value)
            values.setdefault(action["block_id"], {})[action["action_id"]] = state
            view = self._state.views.set_values(view, values)
        trigger = self._state.views.trigger(person.id, view.id)
        payload = payloads.view_action(person, view, action, trigger=trigger)
        outcome = await self._send("interactive", payload)
        return replace(outcome, trigger_id=trigger, view=self._state.views.top(person.id))

    async def _send(self, kind: EnvelopeType, payload: Json) -> Outcome:
        number = self._state.messages.next_number()
        envelope = Envelope(
            id=str(UUID(int=number)),
            type=kind,
            payload=payload,
            accepts_response_payload=kind != "events_api",
        )
        outcome = Outcome(envelope_id=envelope.id)
        try:
            if kind == "events_api":
                future = await self._delivery.send_event(envelope)
            else:
                future = await self._delivery.send(envelope)
            if future is None:
                return replace(outcome, error="dispatch_failed")
            ack = await asyncio.wait_for(asyncio.shield(future), self.patience)
        except NoRouteError:
            return replace(outcome, error="dispatch_failed")
        except TimeoutError:
            return replace(outcome, error="operation_timeout")
        return replace(outcome, ack=ack)

    def _answered(self, outcome: Outcome, payload: Json) -> Outcome:
        """A command's ack may carry a message."""
        answer = None if outcome.ack is None else outcome.ack.payload
        if not answer:
            return outcome
        try:
            self._response_urls.respond(payload["user_id"], payload["channel_id"], answer)
        except SlackError as error:
            return replace(outcome, error=error.code)
        return outcome

    def _submitted(self, outcome: Outcome, view: View) -> Outcome:
        """A submission's ack says what becomes of the modal."""
        views = self._state.views
        if outcome.ack is not None:
            answer = outcome.ack.payload or {}
            try:
                outcome = replace(outcome, errors=self._respond(answer, view))
            except SlackError as error:
                outcome = replace(outcome, error=error.code)
        return replace(outcome, view=views.top(view.user))

    def _respond(self, answer: Json, view: View) -> Json:
        views = self._state.views
        action = answer.get("response_action")
        if action == "errors":
            errors = mapping(answer.get("errors"))
            known = {b["block_id"] for b in view.blocks if b.get("type") == "input"}
            if not errors or set(errors) - known:
                raise SlackError("invalid_errors")
            return errors
        if action == "update":
            current = views.get(view.id) or view
            views.update(current, self._context.view(answer.get("view"), "modal"))
        elif action == "push":
            views.push_for(view.user, self._context.view(answer.get("view"), "modal"))
        elif action == "clear":
            for each in reversed(views.stack(view.user)):
                views.close(each.id)
        elif action is None:
            views.close(view.id)
        else:
            raise SlackError("invalid_response_action")
        return {}

    def _visible(self, user: str, view: View) -> View:
        top = self._state.views.top(user)
        if top is None or top.id != view.id:
            raise CanNotError("The modal is not the one that the person sees.")
        return top

    def _check_member(self, user: str, channel: str) -> None:
        if user not in self._state.place(channel).members:
            raise CanNotError(f"{user} is not in {channel}.")
