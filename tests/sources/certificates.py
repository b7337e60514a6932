"""Self-signed certificates made with nothing but Python: P-256, ECDSA and a little DER."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_EC_PUBLIC_KEY = "2a8648ce3d0201"
_PRIME256V1 = "2a8648ce3d030107"
_ECDSA_SHA256 = "2a8648ce3d040302"
_COMMON_NAME = "550403"
_SUBJECT_ALT_NAME = "551d11"
_BASIC_CONSTRAINTS = "551d13"

_Point = tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate for 127.0.0.1 and localhost, with its key, in two files."""

    certificate: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        """What a server shows it with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def trusted(self) -> ssl.SSLContext:
        """What a client trusts it, and nothing else, with."""
        context = ssl.create_default_context(cafile=self.certificate)
        # Newer Pythons also ask for extensions that a certificate for a test has no use for.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context


def certificate(
    folder: Path,
    *,
    until: datetime,
    since: datetime | None = None,
    names: tuple[str, ...] = ("localhost", "127.0.0.1"),
) -> Certificate:
    """Make a self-signed certificate that ends at an instant."""
    secret = secrets.randbelow(_N - 1) + 1
    body = _body(secret, since or until - timedelta(days=365), until, names)
    whole = _sequence(body, _algorithm(), _bits(_sign(secret, body)))
    made = Certificate(certificate=folder / "certificate.pem", key=folder / "key.pem")
    made.certificate.write_text(_pem("CERTIFICATE", whole), encoding="ascii")
    made.key.write_text(_pem("EC PRIVATE KEY", _key(secret)), encoding="ascii")
    return made


def _body(secret: int, since: datetime, until: datetime, names: tuple[str, ...]) -> bytes:
    name = _sequence(_tagged(0x31, _sequence(_oid(_COMMON_NAME), _tagged(0x0C, b"golive tests"))))
    public = _sequence(_sequence(_oid(_EC_PUBLIC_KEY), _oid(_PRIME256V1)), _bits(_public(secret)))
    is_ca = _sequence(_tagged(0x01, b"\xff"))
    extensions = _sequence(
        _sequence(_oid(_SUBJECT_ALT_NAME), _octets(_sequence(*map(_general_name, names)))),
        _sequence(_oid(_BASIC_CONSTRAINTS), _octets(is_ca)),
    )
    return _sequence(
        _tagged(0xA0, _integer(2)),
        _integer(secrets.randbits(63) + 1),
        _algorithm(),
        name,
        _sequence(_time(since), _time(until)),
        name,
        public,
        _tagged(0xA3, extensions),
    )


def _general_name(name: str) -> bytes:
    try:
        return _tagged(0x87, ipaddress.ip_address(name).packed)
    except ValueError:
        return _tagged(0x82, name.encode("ascii"))


# --- the curve ----------------------------------------------------------------------------------


def _add(a: _Point, b: _Point) -> _Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % _P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, _P) % _P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, _P) % _P
    x = (slope * slope - a[0] - b[0]) % _P
    return x, (slope * (a[0] - x) - a[1]) % _P


def _times(number: int) -> tuple[int, int]:
    point: _Point = None
    power: _Point = _G
    while number:
        if number & 1:
            point = _add(point, power)
        power = _add(power, power)
        number >>= 1
    assert point is not None
    return point


def _public(secret: int) -> bytes:
    x, y = _times(secret)
    return b"\x04" + x.to_bytes(32) + y.to_bytes(32)


def _sign(secret: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest())
    nonce = secrets.randbelow(_N - 1) + 1
    r = _times(nonce)[0] % _N
    s = pow(nonce, -1, _N) * (digest + r * secret) % _N
    return _sequence(_integer(r), _integer(s))


def _key(secret: int) -> bytes:
    return _sequence(
        _integer(1),
        _octets(secret.to_bytes(32)),
        _tagged(0xA0, _oid(_PRIME256V1)),
        _tagged(0xA1, _bits(_public(secret))),
    )


# --- DER ----------------------------------------------------------------------------------------


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return _tagged(0x02, number.to_bytes(number.bit_length() // 8 + 1))


def _bits(content: bytes) -> bytes:
    return _tagged(0x03, b"\x00" + content)


def _octets(content: bytes) -> bytes:
    return _tagged(0x04, content)


def _oid(encoded: str) -> bytes:
    return _tagged(0x06, bytes.fromhex(encoded))


def _algorithm() -> bytes:
    return _sequence(_oid(_ECDSA_SHA256))


def _time(instant: datetime) -> bytes:
    return _tagged(0x18, instant.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def _pem(label: str, content: bytes) -> str:
    lines = base64.encodebytes(content).decode()
    return f"-----BEGIN {label}-----\n{lines}-----END {label}-----\n"
