"""What Slack refuses in a message, with the path of each fault.

A reader of payloads only: it knows nothing of channels, users or time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.demo.workspace.rules_blocks import check_blocks, rendered_length
from bot.demo.workspace.rules_marks import Marks, Violation
from bot.demo.workspace.values import Json, is_list, is_object, mapping, objects, sequence
from bot.render import limits

FileReady: TypeAlias = Callable[[str], bool]

_METADATA_KEYS = {"event_type", "event_payload"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a payload is refused: Slack's word, and a sentence for each fault."""

    code: str
    violations: tuple[Violation, ...]

    @property
    def messages(self) -> tuple[str, ...]:
        """The sentences for `response_metadata.messages`."""
        return tuple(str(violation) for violation in self.violations)


def _any_file(_: str) -> bool:
    return True


def message_violations(
    payload: Json, *, update: bool = False, file_ready: FileReady = _any_file
) -> tuple[Violation, ...]:
    """All faults of a message's text, blocks, attachments and metadata."""
    marks = Marks(surface="message", file_ready=file_ready)
    _check_text(payload, marks, limits.UPDATE_TEXT if update else limits.MESSAGE_TEXT)
    blocks = payload.get("blocks")
    attachments = payload.get("attachments")
    if blocks is not None:
        check_blocks(blocks, "/blocks", marks)
        _at_most(sequence(blocks), limits.BLOCKS_PER_MESSAGE, "/blocks", marks)
    if attachments is not None:
        _check_attachments(attachments, marks)
    _check_whole(payload, marks)
    if payload.get("metadata") is not None:
        _check_metadata(payload["metadata"], marks)
    return tuple(marks.found)


def view_violations(view: Json, *, file_ready: FileReady = _any_file) -> tuple[Violation, ...]:
    """All faults of a modal or a Home."""
    kind = view.get("type")
    marks = Marks(surface="home" if kind == "home" else "modal", file_ready=file_ready)
    if kind not in ("modal", "home"):
        marks.add("/view/type", "must be modal or home", code="invalid_arguments")
    blocks = view.get("blocks")
    check_blocks(blocks, "/view/blocks", marks)
    _at_most(sequence(blocks), limits.BLOCKS_PER_VIEW, "/view/blocks", marks)
    if kind == "modal":
        _check_frame(view, marks)
    elif kind == "home":
        for name in ("title", "submit", "close"):
            if view.get(name) is not None:
                marks.add(f"/view/{name}", "is not allowed in a home view")
    for name, limit in (
        ("private_metadata", limits.PRIVATE_METADATA),
        ("callback_id", limits.CALLBACK_ID),
        ("external_id", limits.EXTERNAL_ID),
    ):
        marks.length(view.get(name), f"/view/{name}", limit, required=False, least=0)
    return tuple(marks.found)


def message_refusal(
    payload: Json, *, update: bool = False, file_ready: FileReady = _any_file
) -> Refusal | None:
    """Slack's answer to a message that it does not take; None for a good one."""
    return _refusal(message_violations(payload, update=update, file_ready=file_ready))


def view_refusal(view: Json, *, file_ready: FileReady = _any_file) -> Refusal | None:
    """Slack's answer to a view that it does not take; None for a good one."""
    found = view_violations(view, file_ready=file_ready)
    return Refusal(code="invalid_arguments", violations=found) if found else None


def _refusal(found: tuple[Violation, ...]) -> Refusal | None:
    if not found:
        return None
    code = found[0].code
    return Refusal(code=code, violations=tuple(v for v in found if v.code == code))


def _at_most(items: list[Any], limit: int, path: str, marks: Marks) -> None:
    if len(items) > limit:
        marks.add(path, f"no more than {limit} items allowed [{len(items)} provided]")


def _check_text(payload: Json, marks: Marks, limit: int) -> None:
    text = payload.get("text")
    if text is not None and not isinstance(text, str):
        marks.add("/text", "must be a string", code="invalid_arguments")
    elif text is not None and len(text) > limit:
        marks.add("/text", f"must be {limit} characters or fewer", code="msg_too_long")
    if not text and not payload.get("blocks") and not payload.get("attachments"):
        marks.add("/text", "a message needs text, blocks or attachments", code="no_text")


def _check_attachments(attachments: Any, marks: Marks) -> None:
    if not is_list(attachments):
        marks.add("/attachments", "must be an array", code="invalid_attachments")
        return
    if len(sequence(attachments)) > limits.ATTACHMENTS_PER_MESSAGE:
        marks.add(
            "/attachments",
            f"no more than {limits.ATTACHMENTS_PER_MESSAGE} items allowed",
            code="too_many_attachments",
        )
    for number, item in enumerate(sequence(attachments)):
        path = f"/attachments/{number}"
        if not is_object(item):
            marks.add(path, "must be an object", code="invalid_attachments")
            continue
        attachment = mapping(item)
        if not any(attachment.get(name) for name in ("blocks", "text", "fallback", "title")):
            marks.add(path, "has neither blocks nor text", code="invalid_attachments")
        if attachment.get("blocks") is not None:
            blocks = attachment["blocks"]
            check_blocks(blocks, f"{path}/blocks", marks)
            _at_most(sequence(blocks), limits.BLOCKS_PER_MESSAGE, f"{path}/blocks", marks)


def _check_whole(payload: Json, marks: Marks) -> None:
    """What counts over all blocks of a message, those in attachments too."""
    blocks = objects(payload.get("blocks"))
    for attachment in objects(payload.get("attachments")):
        blocks += objects(attachment.get("blocks"))
    tables = [block for block in blocks if block.get("type") == "table"]
    if len(tables) > limits.TABLES_PER_MESSAGE:
        marks.add("/blocks", "only_one_table_allowed", code="invalid_attachments")
    charts = sum(block.get("type") == "data_visualization" for block in blocks)
    if charts > limits.CHARTS_PER_MESSAGE:
        marks.add("/blocks", f"no more than {limits.CHARTS_PER_MESSAGE} charts allowed")
    markdown = sum(len(str(b.get("text", ""))) for b in blocks if b.get("type") == "markdown")
    if markdown > limits.MARKDOWN_PER_PAYLOAD:
        limit = limits.MARKDOWN_PER_PAYLOAD
        marks.add("/blocks", f"markdown must be {limit} characters or fewer in all")
    if sum(map(rendered_length, blocks)) > limits.PRACTICAL_BLOCK_CHARACTERS:
        limit = limits.PRACTICAL_BLOCK_CHARACTERS
        marks.add("/blocks", f"more than {limit} characters", code="msg_blocks_too_long")


def _check_frame(view: Json, marks: Marks) -> None:
    for name, limit in (
        ("title", limits.VIEW_TITLE),
        ("submit", limits.VIEW_SUBMIT),
        ("close", limits.VIEW_CLOSE),
    ):
        given = view.get(name)
        if given is not None or name == "title":
            marks.plain_text(given, f"/view/{name}", limit)
    inputs = any(block.get("type") == "input" for block in objects(view.get("blocks")))
    if inputs and view.get("submit") is None:
        marks.add("/view/submit", "is required when an input block is within the blocks array")


def _check_metadata(metadata: Any, marks: Marks) -> None:
    given = mapping(metadata)
    if metadata == {}:
        return
    path, code = "/metadata", "invalid_metadata_format"
    if set(given) - _METADATA_KEYS:
        marks.add(path, "has unknown fields", code="invalid_metadata_schema")
    event_type = given.get("event_type")
    if not isinstance(event_type, str) or not event_type:
        marks.add(f"{path}/event_type", "must be a string", code=code)
    payload = given.get("event_payload")
    if not is_object(payload):
        marks.add(f"{path}/event_payload", "must be an object", code=code)
    elif len(json.dumps(payload)) > limits.METADATA_PAYLOAD:
        marks.add(f"{path}/event_payload", "is too large", code="metadata_too_large")
