"""Which secret stands unmasked in a line, where, and what that proves. Values never leave here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from checks.engine.masking import SHAPES
from checks.engine.model import Proof
from checks.sources.logs.profile import Profile
from checks.sources.logs.state import LeakKey, OpenLeak, Tally
from checks.sources.logs.text import Text

_SHAPES = tuple((shape.kind, shape.compiled()) for shape in SHAPES)
_WEBHOOK = next(pattern for kind, pattern in _SHAPES if kind == "webhook_path")
_MAX_LINE = 65_536
_MAX_FINGERPRINTS = 1_000


@dataclass(frozen=True, slots=True)
class _Found:
    kind: str
    value: bytes
    in_webhook_path: bool


class LeakFinder:
    """Judges the hits of the secret patterns in the lines of one profile."""

    def __init__(self, profile: Profile, secrets: Sequence[bytes], key: bytes) -> None:
        self._profile = profile
        self._secrets = tuple(secrets)
        self._key = key
        self._fingerprints: dict[bytes, str] = {}

    def count(self, text: Text, hits: Sequence[Sequence[int]], tally: Tally) -> None:
        """Count every line with a hit once, and group what leaked."""
        ends = sorted(end for found in hits for end in found)
        previous = -1
        for end in ends:
            if end <= previous:
                continue
            begin, stop = text.line_at(end - 1)
            previous = stop
            segment = text.segment_at(begin)
            if not segment.counted:
                continue
            line = text.data[begin : min(stop, begin + _MAX_LINE)]
            found = self._find(line)
            if found is None:
                continue
            signal = tally.signal("secret_leak")
            signal.add(1, segment.minute)
            signal.lines.append(line)
            self._group(text, begin, line, found, tally)

    def _find(self, line: bytes) -> _Found | None:
        """The gravest secret of a line: a live one first, then the shapes in their order."""
        path = _WEBHOOK.search(line)
        for secret in self._secrets:
            if secret in line:
                return _Found("live_secret", secret, path is not None and secret in path.group(2))
        for kind, pattern in _SHAPES:
            match = pattern.search(line)
            if match is not None:
                return _Found(kind, match.group(2), kind == "webhook_path")
        return None

    def _group(self, text: Text, begin: int, line: bytes, found: _Found, tally: Tally) -> None:
        reader = self._profile.pairs
        if reader is not None and reader.is_record(line):
            proof = Proof.PROVEN if found.kind == "live_secret" else Proof.ATTEMPTED
            key = self._key_of(found, "request line", proof)
            asked = reader.id_of(text.data, begin)
            if proof is Proof.PROVEN or asked is None:
                tally.leak(key, line)
            else:
                tally.open_leaks.append(OpenLeak(id=asked, key=key, line=line))
            return
        if reader is not None:
            tally.leak(self._key_of(found, "log text", Proof.PROVEN), line)
            return
        tally.leak(self._in_line(found, line), line)

    def _in_line(self, found: _Found, line: bytes) -> LeakKey:
        """A leak in a format that writes a request and its status on one line."""
        status = self._status(line)
        if not self._profile.spec.masks and found.in_webhook_path:
            return self._key_of(found, "access log", Proof.PROXY)
        place = "log text" if status is None else "request line"
        attempted = status is not None and 400 <= status <= 499 and found.kind != "live_secret"
        return self._key_of(found, place, Proof.ATTEMPTED if attempted else Proof.PROVEN)

    def _status(self, line: bytes) -> int | None:
        strict = self._profile.line
        if strict is not None:
            match = strict.match(line)
            return None if match is None else int(match["status"])
        fields = self._profile.fields
        return None if fields is None else fields.status_of(line)

    def _key_of(self, found: _Found, place: str, proof: Proof) -> LeakKey:
        return LeakKey(
            kind=found.kind, place=place, proof=proof, fingerprint=self._fingerprint(found.value)
        )

    def _fingerprint(self, value: bytes) -> str:
        known = self._fingerprints.get(value)
        if known is None:
            known = hmac.new(self._key, value, hashlib.sha256).hexdigest()[:12]
            if len(self._fingerprints) < _MAX_FINGERPRINTS:
                self._fingerprints[value] = known
        return known


def settle(tally: Tally, status_mask: int, *, final: bool) -> None:
    """Decide the leaks whose request was answered meanwhile.

    Answered 4xx: attempted. Answered otherwise: proven. An id that is not to be trusted proves
    nothing. `final` decides the unanswered ones too, as attempts.
    """
    waiting: list[OpenLeak] = []
    for leak in tally.open_leaks:
        packed = tally.pairing.done.get(leak.id)
        if packed is not None:
            status = packed & status_mask
            proof = Proof.ATTEMPTED if 400 <= status <= 499 else Proof.PROVEN
        elif final or leak.id in tally.pairing.bad:
            proof = Proof.ATTEMPTED
        else:
            waiting.append(leak)
            continue
        key = LeakKey(
            kind=leak.key.kind, place=leak.key.place, proof=proof, fingerprint=leak.key.fingerprint
        )
        tally.leak(key, leak.line)
    tally.keep_open(waiting)
