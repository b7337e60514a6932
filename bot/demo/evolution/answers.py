"""How Evolution 2.3.6 answers, oddities included, over instances in memory. It knows no sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit

from bot.demo.evolution.model import (
    EVENTS,
    Answer,
    InstanceRow,
    WebhookRow,
    refusal,
)
from checks.engine.model import Json

UNAUTHORIZED = refusal(401, "Unauthorized", "Unauthorized")
SERVER_ERROR = refusal(500, "Internal Server Error", "Internal Server Error")
NOT_FOUND = refusal(404, "Not Found", ["Not Found"])
_WELCOME: Json = {
    "status": 200,
    "message": "Welcome to the Evolution API, it is working!",
    "version": "2.3.6",
}


@dataclass(slots=True, kw_only=True)
class Answers:
    """The instances of a server and what it says about them.

    key: the global key; an instance's own token is as good for that instance
    now: what stamps rows
    """

    key: str
    now: Callable[[], datetime]
    instances: dict[str, InstanceRow] = field(default_factory=dict[str, InstanceRow])

    def answer(self, method: str, target: str, key: str | None, raw: str) -> Answer:
        """Answer one request, and do what it asks for."""
        url = urlsplit(target)
        parts = [unquote(part) for part in url.path.split("/")[1:]]
        body: object = None
        if raw:
            try:
                body = json.loads(raw)
            except ValueError:
                return refusal(400, "Internal Server Error", "Unexpected end of JSON input")
        match method, parts:
            case "GET", [""]:
                return Answer(status=200, body=_WELCOME)
            case "POST", ["instance", "create"]:
                return self._create(body) if key == self.key else UNAUTHORIZED
            case "GET", ["instance", "fetchInstances"]:
                return self._fetch(key, parse_qs(url.query).get("instanceName", []))
            case _, [*_, name] if (method, *parts[:-1]) in _CALLS:
                return self._about(_CALLS[method, *parts[:-1]], name, key, body)
            case _:
                return refusal(404, "Not Found", [f"Cannot {method} {url.path}"])

    def stamp(self) -> str:
        """The present instant as rows carry it."""
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _about(self, call: _Call, name: str, key: str | None, body: object) -> Answer:
        """A call about one instance: whether it exists is asked before whether the key is right."""
        instance = self.instances.get(name)
        if instance is None:
            return refusal(404, "Not Found", [f'The "{name}" instance does not exist'])
        if key not in (self.key, instance.token):
            return UNAUTHORIZED
        return call(self, instance, body)

    def _create(self, body: object) -> Answer:
        name = _fields(body).get("instanceName")
        if not isinstance(name, str) or not name:
            return refusal(400, "Bad Request", [['instance requires property "instanceName"']])
        if name in self.instances:
            return refusal(403, "Forbidden", [f'This name "{name}" is already in use.'])
        instance = InstanceRow(name=name, state="close", created_at=self.stamp())
        self.instances[name] = instance
        nothing: dict[str, Json] = {}
        answer: dict[str, Json] = {
            "instance": {
                "instanceName": name,
                "instanceId": instance.id,
                "integration": "WHATSAPP-BAILEYS",
                "webhookWaBusiness": None,
                "accessTokenWaBusiness": "",
                "status": "close",
            },
            "hash": instance.token,
            **{part: dict(nothing) for part in ("webhook", "websocket", "rabbitmq", "nats", "sqs")},
            "settings": dict(_SETTINGS),
        }
        return Answer(status=201, body=answer)

    def _fetch(self, key: str | None, names: list[str]) -> Answer:
        seen = [i for i in self.instances.values() if key in (self.key, i.token)]
        if key != self.key and not seen:
            return UNAUTHORIZED
        found = [instance for instance in seen if not names or instance.name in names]
        if names and not found:
            return refusal(404, "Not Found", [f'Instance "{names[0]}" not found'])
        return Answer(status=200, body=[_listed(instance) for instance in found])

    def state(self, instance: InstanceRow, _body: object) -> Answer:
        """The state, which may be missing."""
        answer: dict[str, Json] = {"instanceName": instance.name}
        if instance.state is not None:
            answer["state"] = instance.state
        return Answer(status=200, body={"instance": answer})

    def find(self, instance: InstanceRow, _body: object) -> Answer:
        """The webhook, or null."""
        return Answer(status=200, body=_webhook(instance))

    def set(self, instance: InstanceRow, body: object) -> Answer:
        """Write the webhook; what the body leaves out keeps its old value."""
        given = _fields(body).get("webhook")
        if not isinstance(given, dict):
            return refusal(400, "Bad Request", [['instance requires property "webhook"']])
        values = _fields(cast("object", given))
        fault = _fault(values)
        if fault is not None:
            return fault
        now = self.stamp()
        row = instance.webhook or WebhookRow(url="", created_at=now)
        row.url, row.enabled, row.updated_at = str(values["url"]), values["enabled"] is True, now
        row.events = _events(values)
        row.by_events = _flag(values.get("byEvents"), row.by_events)
        row.base64 = _flag(values.get("base64"), row.base64)
        headers = values.get("headers")
        if isinstance(headers, dict):
            row.headers = cast("dict[str, Json]", headers)
        instance.webhook = row
        return Answer(status=201, body=_webhook(instance))

    def restart(self, instance: InstanceRow, _body: object) -> Answer:
        """Restart; what failed is told in the body of a 200."""
        if instance.state != "open":
            return Answer(status=200, body={"error": True, "message": "[object Object]"})
        instance.restarts += 1
        return Answer(
            status=200, body={"instance": {"instanceName": instance.name, "state": instance.state}}
        )

    def delete(self, instance: InstanceRow, _body: object) -> Answer:
        """Remove the instance."""
        del self.instances[instance.name]
        return Answer(
            status=200,
            body={"status": "SUCCESS", "error": False, "response": {"message": "Instance deleted"}},
        )


_Call = Callable[[Answers, InstanceRow, object], Answer]
_CALLS: Mapping[tuple[str, ...], _Call] = {
    ("GET", "instance", "connectionState"): Answers.state,
    ("GET", "webhook", "find"): Answers.find,
    ("POST", "webhook", "set"): Answers.set,
    ("POST", "instance", "restart"): Answers.restart,
    ("DELETE", "instance", "delete"): Answers.delete,
}

_SETTINGS: Mapping[str, Json] = {
    "rejectCall": False,
    "msgCall": "",
    "groupsIgnore": False,
    "alwaysOnline": False,
    "readMessages": False,
    "readStatus": False,
    "syncFullHistory": False,
    "wavoipToken": "",
}
_NOTHING_ELSE = ("Chatwoot", "Proxy", "Rabbitmq", "Nats", "Sqs", "Websocket")


def _fault(values: Mapping[str, object]) -> Answer | None:
    """Why `webhook/set` writes nothing; None if it does."""
    url, events = values.get("url"), values.get("events")
    for name in ("enabled", "url"):
        if name not in values:
            return refusal(400, "Bad Request", [[f'webhook requires property "{name}"']])
    for n, event in enumerate(_list(events)):
        if event not in EVENTS:
            enum = f"webhook.events[{n}] is not one of enum values: {','.join(EVENTS)}"
            return refusal(400, "Bad Request", [[enum]])
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return refusal(400, "Bad Request", ['Invalid "url" property'])
    if values["enabled"] is True and events is None:
        message = "Cannot read properties of undefined (reading 'length')"
        return refusal(500, "Internal Server Error", message)
    return None


def _events(values: Mapping[str, object]) -> list[str]:
    """A webhook that is switched off loses its events; an empty list is all of them."""
    if values["enabled"] is not True:
        return []
    return [str(event) for event in _list(values.get("events"))] or list(EVENTS)


def _flag(given: object, old: bool) -> bool:
    return given if isinstance(given, bool) else old


def _fields(body: object) -> dict[str, object]:
    return cast("dict[str, object]", body) if isinstance(body, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _webhook(instance: InstanceRow) -> Json:
    row = instance.webhook
    if row is None:
        return None
    return {
        "id": row.id,
        "url": row.url,
        "headers": row.headers,
        "enabled": row.enabled,
        "events": list[Json](row.events),
        "webhookByEvents": row.by_events,
        "webhookBase64": row.base64,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "instanceId": instance.id,
    }


def _listed(instance: InstanceRow) -> Json:
    dates: dict[str, Json] = {"createdAt": instance.created_at, "updatedAt": instance.created_at}
    nobody: dict[str, Json] = dict.fromkeys(("ownerJid", "profileName", "profilePicUrl"))
    never: dict[str, Json] = dict.fromkeys(
        ("disconnectionReasonCode", "disconnectionObject", "disconnectionAt")
    )
    counts: dict[str, Json] = dict.fromkeys(("Message", "Contact", "Chat"), 0)
    setting: dict[str, Json] = {"id": f"cm{instance.id[:23]}", **_SETTINGS, **dates}
    return {
        "id": instance.id,
        "name": instance.name,
        "connectionStatus": instance.state,
        **nobody,
        "integration": "WHATSAPP-BAILEYS",
        "number": None,
        "businessId": None,
        "token": instance.token,
        "clientName": "evolution",
        **never,
        **dates,
        **dict.fromkeys(_NOTHING_ELSE),
        "Setting": {**setting, "instanceId": instance.id},
        "_count": counts,
    }
