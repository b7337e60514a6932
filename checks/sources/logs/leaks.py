"""Which secret stands unmasked in a line, where, and what that proves. Values never leave here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from checks.engine.masking import SHAPES
from checks.engine.model import Proof
from checks.engine.own_events import is_name
from checks.sources.logs.profile import Profile
from checks.sources.logs.state import LeakKey, OpenLeak, Tally, keys_among
from checks.sources.logs.text import Text

_SHAPES = tuple((shape.kind, shape.compiled()) for shape in SHAPES)
_WEBHOOK = next(pattern for kind, pattern in _SHAPES if kind == "webhook_path")
_MAX_LINE = 65_536
_MAX_KEYS = 1_000
_MAX_JUDGED = 1_000
_MAX_JUDGED_LINE = 1_024


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    value: bytes = field(repr=False)
    in_webhook_path: bool


class LeakFinder:
    """Judges the hits of the secret patterns in the lines of one profile."""

    def __init__(self, profile: Profile, secrets: Sequence[bytes], key: bytes) -> None:
        self._profile = profile
        self._secrets = tuple(secrets)
        self._key = key
        self._keys: dict[tuple[bytes, str, str, Proof], LeakKey] = {}
        self._judged: dict[bytes, _Found | None] = {}
        self._last_line_leaked = False
        self._leaked: dict[int, tuple[LeakKey, bytes, int]] = {}
        self._asked: list[tuple[bytes, LeakKey, bytes]] = []

    def count(
        self,
        text: Text,
        hits: Sequence[Sequence[int]],
        tally: Tally,
        *,
        continued: bool = False,
    ) -> None:
        """Count every line with a hit once, and group what leaked.

        `continued`: the first line goes on from the text before; it may be counted already.
        """
        last = len(text.data) - 1
        previous = -1
        if continued and self._last_line_leaked:
            previous = text.line_at(0)[1]
        self._last_line_leaked = previous >= last
        for end in sorted(end for found in hits for end in found):
            if end <= previous:
                continue
            begin, stop = text.line_at(end - 1)
            segment = text.segment_at(begin)
            found = self._judge(_around(text.data, begin, stop, end)) if segment.counted else None
            if found is None:
                continue
            previous = stop
            self._last_line_leaked = stop >= last
            line = text.data[begin:stop]
            signal = tally.signal("secret_leak")
            signal.add(1, segment.minute)
            signal.lines.append(line[:_MAX_LINE])
            self._group(text, begin, line, found)
        for key, shown, n in self._leaked.values():
            tally.leak(key, shown, n)
        self._leaked.clear()
        # All ids at once: hashing one costs as much as hashing a hundred.
        keys = tally.pairing.hashed.of([asked for asked, _key, _line in self._asked])
        for hashed, (_asked, key, line) in zip(keys.tolist(), self._asked, strict=True):
            tally.open_leaks.append(OpenLeak(id=hashed, key=key, line=line))
        self._asked.clear()

    def _judge(self, line: bytes) -> _Found | None:
        """What `_find` says; an application that leaks in a line mostly writes it again."""
        if line in self._judged:
            return self._judged[line]
        found = self._find(line)
        if len(line) <= _MAX_JUDGED_LINE:
            if len(self._judged) >= _MAX_JUDGED:
                self._judged.clear()
            self._judged[line] = found
        return found

    def _find(self, line: bytes) -> _Found | None:
        """The gravest secret of a line: a live one first, then the shapes in their order.

        One that stands only in a webhook's path comes last: in a proxy's log it is the mildest.
        """
        path = _WEBHOOK.search(line)
        place = (path[2] or b"") if path is not None else b""
        mild: _Found | None = None
        for kind, value in self._values(line):
            in_path = value in place and line.count(value) == 1
            found = _Found(kind, value, in_path)
            if not in_path:
                return found
            mild = mild or found
        return mild

    def _values(self, line: bytes) -> Iterator[tuple[str, bytes]]:
        for secret in self._secrets:
            if secret in line:
                yield "live_secret", secret
        for kind, pattern in _SHAPES:
            match = pattern.search(line)
            # What stands for a secret in the path of golive's own test event is none.
            if match is not None and not is_name(value := match[2] or b""):
                yield kind, value

    def _group(self, text: Text, begin: int, whole: bytes, found: _Found) -> None:
        line = whole[:_MAX_LINE]
        reader = self._profile.pairs
        if reader is not None and reader.is_record(line):
            proof = Proof.PROVEN if found.kind == "live_secret" else Proof.ATTEMPTED
            key = self._key_of(found, "request line", proof)
            asked = reader.id_of(text.data, begin)
            if proof is Proof.PROVEN or asked is None:
                self._add(key, line)
            else:
                self._asked.append((asked, key, line))
            return
        if reader is not None:
            self._add(self._key_of(found, "log text", Proof.PROVEN), line)
            return
        self._add(self._in_line(found, whole), line)

    def _add(self, key: LeakKey, line: bytes) -> None:
        """Count a leak of this text. By identity: the hash of a key costs more than all else."""
        _key, _line, n = self._leaked.get(id(key), (key, line, 0))
        self._leaked[id(key)] = (key, line, n + 1)

    def _in_line(self, found: _Found, line: bytes) -> LeakKey:
        """A leak in a format that writes a request and its status on one line."""
        status = self._status(line)
        fields = self._profile.fields
        asked = fields is not None and fields.is_request(line)
        if not self._profile.spec.masks and found.in_webhook_path:
            return self._key_of(found, "access log", Proof.PROXY)
        place = "request line" if asked or status is not None else "log text"
        # The line of the answer, which repeats the path, says whether the request was let in.
        refused = asked or (status is not None and 400 <= status <= 499)
        attempted = refused and found.kind != "live_secret"
        return self._key_of(found, place, Proof.ATTEMPTED if attempted else Proof.PROVEN)

    def _status(self, line: bytes) -> int | None:
        strict = self._profile.line
        if strict is not None:
            match = strict.match(line)
            return None if match is None else int(match["status"] or 0)
        fields = self._profile.fields
        return None if fields is None else fields.status_of(line)

    def _key_of(self, found: _Found, place: str, proof: Proof) -> LeakKey:
        asked = (found.value, found.kind, place, proof)
        known = self._keys.get(asked)
        if known is None:
            digest = fingerprint(self._key, found.value)
            known = LeakKey(kind=found.kind, place=place, proof=proof, fingerprint=digest)
            if len(self._keys) < _MAX_KEYS:
                self._keys[asked] = known
        return known


def fingerprint(key: bytes, secret: bytes) -> str:
    """The name that a leaked secret has in evidence, for whoever has the key: it shows nothing."""
    return hmac.new(key, secret, hashlib.sha256).hexdigest()[:12]


def _around(data: bytes, begin: int, stop: int, hit: int) -> bytes:
    """The line of a hit, or what is around the hit where the line is very long."""
    if stop - begin <= _MAX_LINE:
        return data[begin:stop]
    half = _MAX_LINE // 2
    return data[max(begin, hit - half) : min(stop, hit + half)]


def settle(tally: Tally, status_mask: int, *, final: bool) -> None:
    """Decide the leaks whose request was answered meanwhile.

    Answered 4xx: attempted. Answered otherwise: proven. An id that is not to be trusted proves
    nothing, also when that is known only later. `final` decides the unanswered ones too, as
    attempts.
    """
    waiting: list[OpenLeak] = []
    proven = list(tally.proven_leaks)
    answers = keys_among(tally.pairing.done, tally.open_leaks)
    forged = keys_among(tally.pairing.bad, tally.open_leaks)
    for leak in tally.open_leaks:
        packed = answers.get(leak.id)
        if packed is not None:
            status = packed & status_mask
            proof = Proof.ATTEMPTED if 400 <= status <= 499 else Proof.PROVEN
        elif final or leak.id in forged:
            proof = Proof.ATTEMPTED
        else:
            waiting.append(leak)
            continue
        key = LeakKey(
            kind=leak.key.kind, place=leak.key.place, proof=proof, fingerprint=leak.key.fingerprint
        )
        tally.leak(key, leak.line)
        if proof is Proof.PROVEN:
            proven.append(OpenLeak(id=leak.id, key=key, line=leak.line))
    tally.keep_open(waiting)
    tally.keep_proven(proven)
