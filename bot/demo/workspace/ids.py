"""Ids that Slack gives to blocks and elements that came without one."""

from __future__ import annotations

from bot.demo.workspace.values import Json, copy, mapping, objects


def elements_of(block: Json) -> list[Json]:
    """The elements of a block that can be acted on."""
    inner = objects(block.get("elements")) if block.get("type") == "actions" else []
    single = [mapping(block.get(name)) for name in ("accessory", "element")]
    children = [e for child in objects(block.get("child_blocks")) for e in elements_of(child)]
    return [e for e in (*inner, *single) if e and e.get("type") != "image"] + children


class Ids:
    """Counts up; the ids are unique in the workspace."""

    def __init__(self) -> None:
        self._count = 0

    def fill(self, blocks: list[Json]) -> list[Json]:
        """A copy of the blocks in which every block and element has an id."""
        filled = [copy(block) for block in blocks]
        for block in filled:
            for each in (block, *objects(block.get("child_blocks"))):
                each.setdefault("block_id", self._next("b"))
            for element in elements_of(block):
                element.setdefault("action_id", self._next("a"))
        return filled

    def _next(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count:04d}"
