"""Request ids as 64-bit keys, and what is remembered of a hundred thousand of them.

An id is kept as a keyed hash: an attacker who chooses ids cannot choose which of them collide, and
by accident two of a billion do with a probability of 1 in 37.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Values = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

UUID = 36
"""Bytes of the usual id, which are hashed many at a time."""
_WORDS = UUID // 4
REMEMBERED_IDS = 100_000
"""Request ids within which "exactly one request and one response" is held (decisions)."""
_SLACK = 16_384
_MANY = 1_024
_MAYBE_BITS = 21
_MATCH_BITS = 16


def _random() -> bytes:
    return os.urandom(2 * 8 * (_WORDS + 1))


def _no_keys() -> Keys:
    return np.empty(0, np.uint64)


def _no_values() -> Values:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class IdHash:
    """The hash of ids: multilinear, which is strongly universal, twice 32 bits of it."""

    secret: bytes = field(default_factory=_random, repr=False)

    def of_uuids(self, ids: npt.NDArray[np.bytes_]) -> Keys:
        """Keys of ids of 36 bytes each."""
        factors = np.frombuffer(self.secret, np.uint64).reshape(_WORDS + 1, 2)
        words = np.ascontiguousarray(ids).view(np.uint32).reshape(-1, _WORDS).astype(np.uint64)
        halves = (words @ factors[:_WORDS] + factors[_WORDS]) >> np.uint64(32)
        return (halves[:, 0] << np.uint64(32)) | halves[:, 1]

    def of(self, ids: Sequence[bytes]) -> Keys:
        """Keys of ids of any length."""
        keys = np.empty(len(ids), np.uint64)
        if not ids:
            return keys
        usual = [index for index, one in enumerate(ids) if len(one) == UUID]
        if usual:
            keys[usual] = self.of_uuids(np.array([ids[index] for index in usual], f"S{UUID}"))
        for index, one in enumerate(ids):
            if len(one) != UUID:
                digest = hashlib.blake2b(one, digest_size=8, key=self.secret[:64]).digest()
                keys[index] = int.from_bytes(digest, "little")
        return keys


@dataclass(slots=True)
class IdMemory:
    """Ids in the order in which they came, each with a value; the oldest of many are forgotten.

    Arrays are replaced and never written to, so that a copy shares them. `_old` and `_young` are
    the same keys, sorted. `_maybe` is a table by the first bits of a key: where it says no, the
    key is not remembered, and most keys that are asked for are not. It is made for many keys only.
    """

    keys: Keys = field(default_factory=_no_keys, repr=False)
    values: Values = field(default_factory=_no_values, repr=False)
    _old: Keys = field(default_factory=_no_keys, repr=False)
    _young: Keys = field(default_factory=_no_keys, repr=False)
    _maybe: Mask | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.keys)

    def copy(self) -> IdMemory:
        """An independent copy."""
        maybe = None if self._maybe is None else self._maybe.copy()
        return IdMemory(self.keys, self.values, self._old, self._young, maybe)

    def has(self, keys: Keys) -> Mask:
        """Which of these keys are remembered."""
        if self._maybe is None:
            return self._search(keys)
        found = self._maybe[_slots(keys, _MAYBE_BITS)]
        places = np.flatnonzero(found)
        found[places] = self._search(keys[places])
        return found

    def _search(self, keys: Keys) -> Mask:
        return among(self._old, keys) | among(self._young, keys)

    def find(self, keys: Keys) -> dict[int, int]:
        """Those of these keys that are remembered, with their values."""
        known = np.unique(keys[self.has(keys)])
        found: dict[int, int] = {}
        if not len(known):
            return found
        slots = np.zeros(1 << _MATCH_BITS, np.bool_)
        slots[_slots(known, _MATCH_BITS)] = True
        # From the newest on: what is asked for was mostly remembered just now.
        for end in range(len(self.keys), 0, -_SLACK):
            if len(found) == len(known):
                break
            part = slice(max(0, end - _SLACK), end)
            newest, values = self.keys[part], self.values[part]
            places = np.flatnonzero(slots[_slots(newest, _MATCH_BITS)])
            places = places[among(known, newest[places])]
            found.update(zip(newest[places].tolist(), values[places].tolist(), strict=True))
        return found

    def add(self, keys: Keys, values: Values | None = None) -> None:
        """Remember keys that are not remembered yet."""
        if not len(keys):
            return
        fresh = np.zeros(len(keys), np.int64) if values is None else values
        self.keys = np.concatenate((self.keys, keys))
        self.values = np.concatenate((self.values, fresh))
        self._young = np.sort(np.concatenate((self._young, keys)))
        if self._maybe is not None:
            self._maybe[_slots(keys, _MAYBE_BITS)] = True
        if len(self._young) > _SLACK:
            self._keep(slice(-REMEMBERED_IDS, None))

    def remove(self, keys: Keys) -> None:
        """Forget some keys."""
        if self.has(keys).any():
            self._keep(~among(np.sort(keys), self.keys))

    def _keep(self, kept: Mask | slice) -> None:
        self.keys, self.values = self.keys[kept].copy(), self.values[kept].copy()
        self._old, self._young = np.sort(self.keys), _no_keys()
        self._maybe = None
        if len(self.keys) > _MANY:
            self._maybe = np.zeros(1 << _MAYBE_BITS, np.bool_)
            self._maybe[_slots(self.keys, _MAYBE_BITS)] = True


def among(known: Keys, keys: Keys) -> Mask:
    """Which keys are among the (sorted) known ones."""
    if not len(known):
        return np.zeros(len(keys), np.bool_)
    return known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys


def match(known: Keys, keys: Keys) -> tuple[Mask, Mask]:
    """Which of the (sorted) known keys are among the others, and which others are known.

    The same as `among` both ways, for keys of which most are on either side.
    """
    if not len(known):
        return np.zeros(0, np.bool_), np.zeros(len(keys), np.bool_)
    table = np.zeros(1 << _MATCH_BITS, np.int64)
    table[_slots(known, _MATCH_BITS)] = np.arange(len(known))
    places = table[_slots(keys, _MATCH_BITS)]
    hit = known[places] == keys
    # Several keys may share a slot, of which the table holds one.
    others = np.flatnonzero(~hit)
    places[others] = np.minimum(np.searchsorted(known, keys[others]), len(known) - 1)
    hit[others] = known[places[others]] == keys[others]
    found = np.zeros(len(known), np.bool_)
    found[places[hit]] = True
    return found, hit


def twice(keys: Keys) -> Keys:
    """The keys that stand more than once in a sorted array."""
    return keys[1:][keys[1:] == keys[:-1]]


def _slots(keys: Keys, bits: int) -> npt.NDArray[np.int64]:
    return (keys >> np.uint64(64 - bits)).astype(np.int64)
