"""What an uploaded file is."""

from __future__ import annotations

from dataclasses import dataclass

from bot.demo.workspace.people import BOT_USER
from bot.demo.workspace.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file, from the asking for an address until it is shared."""

    id: str
    name: str
    length: int
    title: str
    alt_text: str
    created: int
    content: bytes | None = None
    completed: bool = False
    mimetype: str = ""
    asked: int = 0
    channels: tuple[str, ...] = ()

    def to_json(self, base_url: str) -> Json:
        """The file object of the Web API."""
        return {
            "id": self.id,
            "created": self.created,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mimetype,
            "filetype": self.mimetype.rpartition("/")[2],
            "alt_txt": self.alt_text,
            "user": BOT_USER,
            "size": self.length,
            "mode": "hosted",
            "channels": list(self.channels),
            "url_private": f"{base_url}/files/{self.id}/{self.name}",
            "permalink": f"{base_url}/files/{self.id}/{self.name}",
        }
