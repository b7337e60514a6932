"""What stands in a connection URL: what libpq would misread in it, and how far it is encrypted.

libpq ends a password at the first @ or /, takes the rest for the host, and quotes that in its
messages. So a URL that is not written as it must be is refused here, before libpq sees it; the
reason quotes nothing of it but the names of parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final
from urllib.parse import unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from checks.engine.model import Problem
from checks.sources.loopback import is_loopback

SETTING: Final = "GOLIVE_DATABASE_URL (--database)"
"""What sentences call the reader's URL; `problems.in_words_of` puts another one in its place."""

_URL = re.compile(r"postgres(?:ql)?://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})|%00")
_BLANK = re.compile(r"[\s\x00-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,40}")
_PASSWORDS = ("password", "sslpassword")
_DSN_PASSWORD = re.compile(
    r"\b(?:ssl)?password\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s\\]|\\.)+)", re.DOTALL
)

_MAX_PORT: Final = 65535
_INVALID: Final = "The database URL is not valid."
INVALID_URL: Final = Problem(
    what=_INVALID,
    mend=f"{SETTING} must look like postgresql://user:password@host:5432/database; "
    "special characters in the password are written %40 for @, %2F for /, %25 for %.",
)
_UNESCAPED: Final = Problem(
    what=f"{_INVALID} A character in it must be escaped, most likely in its password.",
    mend=f"In {SETTING} write @ as %40, / as %2F, : as %3A, ? as %3F, # as %23, % as %25 and a "
    "blank as %20.",
)
_UNESCAPED_PARAMETER: Final = Problem(
    what=f"{_INVALID} PostgreSQL does not know one of its parameters, which may be the end of a"
    " password.",
    mend=f"In {SETTING} write & in a password as %26 (@ as %40, / as %2F), and take out what"
    " PostgreSQL does not know.",
)
_SERVICE: Final = Problem(
    what=f"{_INVALID} It names a service, and golive does not read service files.",
    mend=f"Write host, user and database into {SETTING} in its place.",
)
_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_NO_MODE: Final = Problem(
    what=f"{_INVALID} Its sslmode is none that PostgreSQL knows.",
    mend=f"In {SETTING} write sslmode=require, or sslmode=verify-full with sslrootcert.",
)

_PARAMETERS: Final[Mapping[str, str]] = {
    "pgbouncer": "pgbouncer is for Prisma; golive works through a pooler without it.",
    "schema": "schema is for Prisma; where the tables are not in public, run ALTER ROLE … SET"
    " search_path = that schema for golive's role.",
    "ssl": "For ssl write sslmode=require.",
    **{
        name: f"{name} is for Prisma; golive's own pool is small."
        for name in ("connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size")
    },
}
"""Parameters of other clients that hosts and tools put into URLs → what to know about each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which database is meant, in words that may be shown.

    secrets: the password, to be cut out of anything that is shown
    problem: why the URL cannot be used, in the words of the reader's setting; None where it can
    plain:   whether the connection goes to another machine without TLS
    """

    name: str
    host: str = ""
    port: int = 5432
    database: str = ""
    user: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    problem: Problem | None = None
    plain: bool = False

    @property
    def valid(self) -> bool:
        """Whether it can be used at all."""
        return self.problem is None


def target_of(url: str) -> Target:
    """What a connection URL points to."""
    problem = _fault(url)
    unusable = Target(name="the database", secrets=passwords_in(url))
    if problem is not None:
        return replace(unusable, problem=problem)
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        # The parser's own message quotes the URL and with it the password.
        return replace(unusable, problem=INVALID_URL)
    except UnicodeDecodeError:
        return replace(unusable, problem=_UNESCAPED)  # a % that two hex digits follow by chance
    problem = _settings_fault(parts)
    if problem is not None:
        return replace(unusable, problem=problem)
    host = str(parts.get("host") or parts.get("hostaddr") or "localhost")
    ports = str(parts.get("port") or "5432")
    database = str(parts.get("dbname") or parts.get("user") or "")
    return Target(
        name=f"{host}/{database}" if host.startswith("/") else f"{host}:{ports}/{database}",
        host=host,
        port=int(ports) if ports.isdigit() else 0,
        database=database,
        user=str(parts.get("user") or ""),
        secrets=passwords_in(url),
        plain=not _is_local(parts) and tls_mode(parts) == "disable",
    )


def parameters_of(url: str) -> dict[str, str | int | None]:
    """A URL's parameters as libpq takes them, with how far the connection must be encrypted.

    Raises:
        psycopg.ProgrammingError: the URL cannot be used; `target_of` has the reason.
    """
    if target_of(url).problem is not None:
        raise psycopg.ProgrammingError("The connection URL is not valid.")
    parts = dict(conninfo_to_dict(url))
    mode = tls_mode(parts)
    return parts if mode is None else {**parts, "sslmode": mode}


def tls_mode(parts: Mapping[str, object]) -> str | None:
    """The sslmode of a connection; None where libpq's own default does.

    Another machine is never sent a password without TLS unless the URL says sslmode=disable: what
    libpq would fall back from (prefer, its default, and allow) is require. PGSSLMODE counts where
    it asks for more.

    Args:
        parts: of a URL, by libpq's names.
    """
    said = str(parts.get("sslmode") or "")
    if _is_local(parts):
        return said or None
    if said:
        return "require" if said in ("allow", "prefer") else said
    if _effective(parts, "sslrootcert") == "system":
        return "verify-full"  # libpq takes nothing less with the system's own roots
    asked = _effective(parts, "sslmode")
    return asked if asked in ("verify-ca", "verify-full") else "require"


def passwords_in(url: str) -> tuple[str, ...]:
    """The passwords in a connection URL or string, decoded; also of one that cannot be used."""
    url = url.strip()
    found = _URL.fullmatch(url)
    if found is None:
        written = [one.strip("'").replace("\\", "") for one in _DSN_PASSWORD.findall(url)]
        return tuple(dict.fromkeys(word for word in written if word))
    authority, rest = found["authority"], found["rest"]
    # Of a URL that is not escaped, all up to the last @ may be the password.
    whole = authority + rest if "@" in rest else authority
    userinfo = whole.rpartition("@")[0]
    passwords = [userinfo.partition(":")[2]]
    for pair in rest.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if name in _PASSWORDS:
            passwords.append(value)
    decoded = (unquote(one) for one in passwords if one)
    return tuple(dict.fromkeys(one for one in (*decoded, *_undecodable(passwords)) if one))


def _undecodable(passwords: Sequence[str]) -> list[str]:
    """What is no UTF-8 once it is decoded, as it is written."""
    return [one for one in passwords if "\ufffd" in unquote(one)]


# --- what is wrong ------------------------------------------------------------------------------


def _fault(url: str) -> Problem | None:
    """What libpq would misread."""
    found = _URL.fullmatch(url.strip())
    if found is None:
        return None
    authority, rest = found["authority"], found["rest"]
    userinfo, _, hosts = authority.rpartition("@")
    password = userinfo.partition(":")[2]
    if "@" in rest or "@" in userinfo or ":" in password or _PERCENT.search(userinfo):
        return _UNESCAPED
    if _BLANK.search(authority):
        return _UNESCAPED
    ports = [host.rpartition("]")[2].rpartition(":")[2] for host in hosts.split(",") if ":" in host]
    if any(port and not port.isdigit() for port in ports):
        return INVALID_URL
    return _parameter_fault(rest.partition("?")[2])


def _parameter_fault(query: str) -> Problem | None:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    # libpq takes JDBC's ssl=true for sslmode=require.
    names = dict.fromkeys(
        name
        for name, _, value in pairs
        if name not in _known_parameters() and (name, value) != ("ssl", "true")
    )
    if not names:
        return None
    if not all(_NAME.fullmatch(name) for name in names):
        return INVALID_URL
    # What follows an & in a password is a parameter to libpq, and named it would be shown.
    secret = any(name in _PASSWORDS for name, _, _ in pairs)
    written = all(sign for _, sign, _ in pairs)
    if (secret or not written) and not names.keys() <= _PARAMETERS.keys():
        return _UNESCAPED_PARAMETER
    listed = ", ".join(names)
    some = "parameter" if len(names) == 1 else "parameters"
    notes = [_PARAMETERS[name] for name in names if name in _PARAMETERS]
    return Problem(
        what=f"{_INVALID} PostgreSQL does not know its {some} {listed}.",
        mend=" ".join((f"Take {listed} out of {SETTING}.", *notes)),
    )


def _settings_fault(parts: Mapping[str, object]) -> Problem | None:
    if _effective(parts, "service"):
        return _SERVICE
    # Of a URL without an @, libpq takes a password for the port.
    ports = str(parts.get("port") or "").split(",")
    if not all(not port or (port.isdigit() and int(port[:6]) <= _MAX_PORT) for port in ports):
        return INVALID_URL
    return _NO_MODE if parts.get("sslmode") and parts["sslmode"] not in _MODES else None


# --- what libpq knows ---------------------------------------------------------------------------


def _is_local(parts: Mapping[str, object]) -> bool:
    """Whether all hosts are this machine: sockets, or loopback addresses."""
    hosts = _effective(parts, "hostaddr") or _effective(parts, "host")
    return all(
        not host or host.startswith(("/", "@")) or is_loopback(host)
        for host in map(str.strip, hosts.split(","))
    )


def _effective(parts: Mapping[str, object], name: str) -> str:
    """A parameter as libpq takes it: from the URL, else from the environment (PGHOST, …)."""
    if parts.get(name):
        return str(parts[name])
    for option in Conninfo.get_defaults():
        if option.keyword.decode() == name:
            return (option.val or b"").decode()
    return ""


@cache
def _known_parameters() -> frozenset[str]:
    return frozenset(option.keyword.decode() for option in Conninfo.get_defaults())
