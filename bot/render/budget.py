"""The one place that keeps a message within Slack's limits.

A message is drafted in parts, in reading order. What does not fit is left out by rank, said in its
place ("… and 37 more checks, in the file"), and kept in full in a text file. The verdict line is
never cut.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from bot.render import blocks, limits
from bot.render.message import Block, Button, Message, Picture, TextFile, View
from bot.render.mrkdwn import fit, plain, size

TEXT_LIMIT = min(limits.UPDATE_TEXT, limits.MESSAGE_TEXT)
"""Every message may be edited later, so all keep to what an edit allows."""
_CHARACTERS = limits.PRACTICAL_BLOCK_CHARACTERS - 1_000
_REST = 120
"""Room that is kept for saying what was left out of a part."""
_FRAME = 90
"""What a section weighs besides its text."""


class Form(Enum):
    """How the lines of a part are shown."""

    TEXT = auto()
    LOG = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some lines of a message under a title.

    lines:   mrkdwn, each complete in itself; plain text where the form is LOG
    rank:    who gives way first: the highest
    noun:    what its lines are, in "… and 37 more checks"
    at_most: so many lines are shown, however much room there is
    tail:    the last lines are the ones to keep, as of a log
    """

    lines: Sequence[str]
    title: str = ""
    form: Form = Form.TEXT
    rank: int = 5
    noun: str = "lines"
    at_most: int = 1_000
    tail: bool = False

    def kept(self, count: int) -> list[str]:
        """The lines that stay when only so many fit."""
        return list(self.lines[len(self.lines) - count :] if self.tail else self.lines[:count])


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Something that is shown as it is or not at all: a table, a picture, the buttons."""

    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message before it is fitted.

    verdict: the first line, mrkdwn; never cut, so its maker keeps it short
    reasons: what follows it in the text that notifications show
    parts:   what stands beside the colour, in reading order
    fine:    the one line of fine print, mrkdwn
    file:    name and title of the file that takes what is left out; None where none is wanted
    """

    verdict: str
    reasons: Sequence[str] = ()
    parts: Sequence[Part | Row] = ()
    fine: str = ""
    colour: str | None = None
    pictures: tuple[Picture, ...] = ()
    files: tuple[TextFile, ...] = ()
    file: tuple[str, str] | None = None


@dataclass(slots=True, kw_only=True)
class _Room:
    """What is left of a message while its parts are placed."""

    blocks: int
    characters: int
    tables: int = limits.TABLES_PER_MESSAGE

    def take(self, several: Sequence[Block]) -> bool:
        weight = sum(_weight(block) for block in several)
        tables = sum(block["type"] == "table" for block in several)
        if len(several) > self.blocks or weight > self.characters or tables > self.tables:
            return False
        self.blocks -= len(several)
        self.characters -= weight
        self.tables -= tables
        return True


def to_message(draft: Draft) -> Message:
    """The draft as a message within every limit."""
    text = _text(draft)
    placed, files = _place(draft, limits.BLOCKS_PER_MESSAGE)
    return Message(
        text=text,
        colour=draft.colour if placed else None,
        coloured=tuple(placed),
        pictures=draft.pictures,
        files=(*draft.files, *files),
    )


def to_home(draft: Draft) -> View:
    """The draft as an App Home, which knows no colour, no files and no notifications."""
    opening = Part(lines=[draft.verdict, *draft.reasons], rank=0)
    whole = Draft(verdict="", parts=[opening, *draft.parts], fine=draft.fine)
    placed, _ = _place(whole, limits.BLOCKS_PER_VIEW)
    return View(kind="home", blocks=tuple(placed))


def button_row(buttons: Sequence[Button]) -> Row:
    """The buttons, in the place where they are read."""
    return Row(blocks=blocks.actions(buttons))


def _text(draft: Draft) -> str:
    out = draft.verdict
    for number, reason in enumerate(draft.reasons):
        if size(out) + size(reason) + _REST > TEXT_LIMIT:
            return f"{out}\n… and {len(draft.reasons) - number} more"
        out = f"{out}\n{reason}"
    return out


def _place(draft: Draft, most: int) -> tuple[list[Block], list[TextFile]]:
    room = _Room(blocks=most, characters=_CHARACTERS)
    fine = [blocks.context(_short(draft.fine))] if draft.fine else []
    room.take(fine)
    shown: dict[int, Sequence[Block]] = {}
    for index, part in enumerate(draft.parts):
        if isinstance(part, Row) and room.take(part.blocks):
            shown[index] = part.blocks
    texts = [(i, p) for i, p in enumerate(draft.parts) if isinstance(p, Part) and p.lines]
    cut: list[int] = []
    for index, part in sorted(texts, key=lambda each: each[1].rank):
        shown[index], whole = _fitted(part, room, in_file=draft.file is not None)
        if not whole:
            cut.append(index)
    placed = [block for index in sorted(shown) for block in shown[index]]
    left_out = [part for index, part in texts if index in cut]
    return [*_joined(placed), *fine], _file(draft, left_out)


def _joined(placed: Sequence[Block]) -> list[Block]:
    """Neighbouring paragraphs as one block: Slack folds a coloured bar of more than a few."""
    out: list[Block] = []
    last: str | None = None
    for block in placed:
        text = _paragraph(block)
        if text is not None and last is not None:
            both = f"{last}\n\n{text}"
            if size(both) <= limits.SECTION_TEXT:
                out[-1], last = blocks.section(both), both
                continue
        out.append(block)
        last = text
    return out


def _paragraph(block: Block) -> str | None:
    text = block.get("text") if block["type"] == "section" and "fields" not in block else None
    return str(text["text"]) if isinstance(text, dict) else None


def _fitted(part: Part, room: _Room, *, in_file: bool) -> tuple[list[Block], bool]:
    """As much of a part as there is room for, and whether that is all of it."""
    most = min(len(part.lines), part.at_most)
    count = _so_many(part, most, room)
    while count >= 0:
        found = _blocks(part, count, in_file=in_file)
        if room.take(found):
            return found, count == len(part.lines)
        count = count - 1 - count // 4
    return [], False


def _so_many(part: Part, most: int, room: _Room) -> int:
    """A first guess at how many lines fit: what their characters allow."""
    left = room.characters - _REST - _FRAME - size(part.title)
    if part.form is Form.LOG:
        left = min(left, limits.SECTION_TEXT)
    kept = part.kept(most)
    for count, line in enumerate(reversed(kept) if part.tail else kept):
        left -= size(line) + 2
        if left < 0:
            return count
    return most


def _blocks(part: Part, count: int, *, in_file: bool) -> list[Block]:
    """Some lines of a part as blocks, and what was left out in a line of its own."""
    rest = len(part.lines) - count
    more = [_more(rest, part.noun, shown=count, in_file=in_file)] if rest else []
    title = [f"*{part.title}*"] if part.title else []
    lines = part.kept(count)
    if part.form is Form.LOG:
        log = [blocks.preformatted(blocks.cut("\n".join(lines), limits.SECTION_TEXT))]
        return [*_sections([*title, *more]), *(log if lines else [])]
    return _sections([*title, *lines, *more])


def _more(rest: int, noun: str, *, shown: int, in_file: bool) -> str:
    one = noun.removesuffix("s") if rest == 1 and not noun.endswith("ss") else noun
    said = f"… and {rest} more {one}" if shown else f"{rest} {one}"
    return f"_{said}{', in the file' if in_file else ''}_"


def _sections(lines: Sequence[str]) -> list[Block]:
    out: list[str] = []
    for line in map(_short, lines):
        if out and size(out[-1]) + size(line) + 1 <= limits.SECTION_TEXT:
            out[-1] = f"{out[-1]}\n{line}"
        else:
            out.append(line)
    return [blocks.section(text) for text in out]


def _short(line: str) -> str:
    """A line within a section's limit; one that is not loses its marks with its end."""
    if size(line) <= limits.SECTION_TEXT:
        return line or " "
    return fit(plain(line), limits.SECTION_TEXT)


def _file(draft: Draft, left_out: Sequence[Part]) -> list[TextFile]:
    if draft.file is None or not left_out:
        return []
    name, title = draft.file
    out: list[str] = [plain(draft.verdict), *(plain(reason) for reason in draft.reasons), ""]
    for part in left_out:
        log = part.form is Form.LOG
        out += [plain(part.title)] if part.title else []
        out += [line if log else plain(line) for line in part.lines]
        out.append("")
    return [TextFile(name=name, title=title, text="\n".join(out))]


def _weight(block: Block) -> int:
    return size(json.dumps(block, ensure_ascii=False))
