"""Uploaded files. Slack looks at a file after it has answered: its kind comes later."""

from __future__ import annotations

import mimetypes
from dataclasses import replace

from bot.demo.workspace.changes import Change, Changes, Kind
from bot.demo.workspace.files import File
from bot.demo.workspace.values import Now, SlackError


class FileBook:
    """All files.

    Args:
        now: the clock, in UTC.
        changes: told of every change.
        polls: how many times files.info answers before it knows the mimetype.
    """

    def __init__(self, now: Now, changes: Changes, polls: int) -> None:
        self._now = now
        self._changes = changes
        self.polls = polls
        self._files: dict[str, File] = {}

    def reserve(self, *, name: str, length: int, alt_text: str) -> File:
        """A place for a file that is about to be sent."""
        file = File(
            id=f"F{len(self._files) + 1:010d}",
            name=name,
            length=length,
            title=name,
            alt_text=alt_text,
            created=int(self._now().timestamp()),
        )
        return self._keep(file)

    def receive(self, file_id: str, content: bytes) -> File:
        """The content of a file."""
        file = self.find(file_id)
        if not content or len(content) != file.length:
            raise SlackError("file_upload_size_mismatch")
        return self._keep(replace(file, content=content))

    def complete(self, file_id: str, *, title: str | None, channel: str | None) -> File:
        """The end of an upload."""
        file = self.find(file_id)
        if file.content is None:
            raise SlackError("file_not_found")
        channels = file.channels if channel is None else (*file.channels, channel)
        file = replace(file, completed=True, title=title or file.title, channels=channels)
        return self._keep(file)

    def look(self, file_id: str) -> File:
        """A file as files.info sees it; each look brings its mimetype nearer."""
        file = self.find(file_id)
        if not file.completed:
            raise SlackError("file_not_found")
        if file.asked >= self.polls:
            return self.finish(file_id)
        return self._keep(replace(file, asked=file.asked + 1))

    def finish(self, file_id: str) -> File:
        """Slack has looked at the file: its mimetype is known."""
        file = self.find(file_id)
        if file.mimetype:
            return file
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return self._keep(replace(file, mimetype=kind))

    def ready(self, file_id: str) -> bool:
        """Whether an image block may show it."""
        file = self._files.get(file_id)
        return file is not None and bool(file.mimetype)

    def find(self, file_id: str) -> File:
        """A file.

        Raises:
            SlackError: there is none.
        """
        file = self._files.get(file_id)
        if file is None:
            raise SlackError("file_not_found")
        return file

    def all(self) -> tuple[File, ...]:
        """Every file."""
        return tuple(self._files.values())

    def _keep(self, file: File) -> File:
        self._files[file.id] = file
        self._changes.tell(Change(kind=Kind.FILE, file=file))
        return file
