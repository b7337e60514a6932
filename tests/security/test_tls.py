"""TLS: no password crosses a network in clear unless its URL says so, and each fault has its words.

0.0.0.0 leads to this machine, and no rule knows it as loopback: it stands for another machine.
"""

from __future__ import annotations

import asyncio
import select
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import certifi
import pytest
from psycopg.conninfo import conninfo_to_dict

from bot.demo.evolution import EvolutionStandIn
from bot.doctor.database import in_plain_text
from bot.doctor.environment import look_at_environment
from bot.doctor.evolution import Asking, look_at_evolution
from bot.doctor.model import Status
from bot.settings import Settings
from checks.sources.database import PostgresDatabase
from checks.sources.database.connection import conninfo
from checks.sources.database.url import target_of
from checks.sources.evolution import EvolutionClient, Server, ServerSettings, Transport
from checks.sources.loki.address import Loki
from tests.bot.doctor import certificates
from tests.sources.evolution_calls import QUICK
from tests.support.database_questions import ONE, ask, problem

PASSWORD = "planted-tls-password-31"
ELSEWHERE = "0.0.0.0"  # noqa: S104 - an address to connect to


def sslmode(url: str) -> object:
    """What libpq is told."""
    return conninfo_to_dict(conninfo(url, 2)).get("sslmode")


# --- what is asked for --------------------------------------------------------------------------


@pytest.mark.parametrize("pgsslmode", [None, "disable", "allow", "prefer", "require"])
@pytest.mark.parametrize(
    ("place", "query", "mode"),
    [
        ("db.example.org", "", "require"),
        ("db.example.org:6543", "", "require"),
        ("203.0.113.7", "", "require"),
        (ELSEWHERE, "", "require"),
        ("localhost.example.org", "", "require"),
        ("127.0.0.1,db.example.org", "", "require"),
        ("", "?host=db.example.org", "require"),
        ("localhost", "?hostaddr=203.0.113.7", "require"),
        ("db.example.org", "?sslmode=prefer", "require"),
        ("db.example.org", "?sslmode=allow", "require"),
        ("db.example.org", "?sslmode=require", "require"),
        ("db.example.org", "?ssl=true", "require"),
        ("db.example.org", "?sslmode=verify-full", "verify-full"),
        ("db.example.org", "?sslrootcert=system", "verify-full"),
        ("db.example.org", "?sslmode=disable", "disable"),
        ("localhost", "", None),
        ("127.0.0.1", "", None),
        ("[::1]", "", None),
        ("", "?host=/var/run/postgresql", None),
        ("localhost", "?sslmode=require", "require"),
    ],
)
def test_what_is_asked_for(
    place: str,
    query: str,
    mode: str | None,
    pgsslmode: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To another machine at least require, whatever PGSSLMODE says; only a URL can give it up."""
    if pgsslmode is not None:
        monkeypatch.setenv("PGSSLMODE", pgsslmode)
    url = f"postgresql://u:{PASSWORD}@{place}/crm{query}"
    assert sslmode(url) == mode
    assert target_of(url).plain is (mode == "disable")


def test_the_environment_may_ask_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """PGSSLMODE=verify-full counts; PGHOST and PGHOSTADDR name another machine, too."""
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert sslmode(f"postgresql://u:{PASSWORD}@db.example.org/crm") == "verify-full"
    monkeypatch.setenv("PGSSLMODE", "prefer")
    monkeypatch.setenv("PGHOST", "db.example.org")
    assert sslmode(f"postgresql://u:{PASSWORD}@/crm") == "require"
    monkeypatch.setenv("PGHOST", "localhost")
    assert sslmode(f"postgresql://u:{PASSWORD}@/crm") is None
    monkeypatch.setenv("PGHOSTADDR", "203.0.113.7")
    assert sslmode(f"postgresql://u:{PASSWORD}@localhost/crm") == "require"


# --- a server without TLS -----------------------------------------------------------------------


@dataclass(slots=True)
class PlainServer:
    """PostgreSQL's first words without TLS: N to the request for it, then a password is asked."""

    port: int = 0
    received: bytearray = field(default_factory=bytearray)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                (length,) = struct.unpack("!I", await reader.readexactly(4))
                (code,) = struct.unpack("!I", (body := await reader.readexactly(length - 4))[:4])
                if code not in {80877103, 80877104}:  # the requests for TLS and for GSS
                    break
                writer.write(b"N")
            self.received += body
            writer.write(b"R" + struct.pack("!II", 8, 3))  # the password in clear, please
            self.received += await reader.read(1000)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def plain_server() -> AsyncGenerator[PlainServer]:
    """It listens on all addresses."""
    found = PlainServer()
    server = await asyncio.start_server(found.answer, ELSEWHERE, 0)
    found.port = int(server.sockets[0].getsockname()[1])
    async with server:
        yield found


@pytest.mark.parametrize("query", ["", "?sslmode=prefer", "?sslmode=allow"])
@pytest.mark.parametrize("pgsslmode", [None, "disable"])
async def test_a_server_without_tls_gets_no_password(
    query: str, pgsslmode: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor the user's name; the sentence has the mend."""
    if pgsslmode is not None:
        monkeypatch.setenv("PGSSLMODE", pgsslmode)
    async with plain_server() as server:
        url = f"postgresql://crm:{PASSWORD}@{ELSEWHERE}:{server.port}/crm{query}"
        said = problem(await ask(url, ONE))
    assert server.received == b""
    assert "does not speak TLS" in said
    assert "ssl = on" in said
    assert PASSWORD not in said


async def test_only_the_url_gives_up_tls() -> None:
    """Then the password goes, and doctor warns of it."""
    async with plain_server() as server:
        url = f"postgresql://crm:{PASSWORD}@{ELSEWHERE}:{server.port}/crm?sslmode=disable"
        await ask(url, ONE)
    assert PASSWORD.encode() in server.received
    (line,) = in_plain_text(url, "GOLIVE_STORE_URL")
    assert line.status is Status.WARNING
    assert "plain text" in line.what
    assert "GOLIVE_STORE_URL" in line.mend
    assert PASSWORD not in line.what + line.mend
    assert in_plain_text(url.partition("?")[0], "GOLIVE_STORE_URL") == []


# --- a server with TLS --------------------------------------------------------------------------


@contextmanager
def encrypted(upstream: str, certificate: str) -> Generator[Callable[[str, str], str]]:
    """A real PostgreSQL behind real TLS, with a certificate of localhost, on all addresses.

    The embedded server is built without TLS.

    Yields:
        A host and a query → the URL of the same database and user through TLS.
    """
    context = certificates.server(certificate)
    parts = urlsplit(upstream)
    socket_file = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"

    class Connection(socketserver.BaseRequestHandler):
        request: socket.socket

        def handle(self) -> None:
            self.request.settimeout(10)
            self.request.recv(8)
            self.request.sendall(b"S")
            with suppress(OSError), socket.socket(socket.AF_UNIX) as there:
                there.connect(socket_file)
                with context.wrap_socket(self.request, server_side=True) as here:
                    _hand_on(here, there)

    with socketserver.ThreadingTCPServer((ELSEWHERE, 0), Connection) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        user = f"{parts.username}:{parts.password}"
        port = server.server_address[1]
        yield lambda host, query: f"postgresql://{user}@{host}:{port}{parts.path}?{query}"
        server.shutdown()


def _hand_on(here: ssl.SSLSocket, there: socket.socket) -> None:
    """All bytes in both directions, until one side ends."""
    while True:
        ready = [here] if here.pending() else select.select([here, there], [], [], 10)[0]
        if not ready:
            return
        for one, other in ((here, there), (there, here)):
            if one in ready:
                data = one.recv(65536)
                if not data:
                    return
                other.sendall(data)


@pytest.mark.parametrize(
    ("host", "query"),
    [
        (ELSEWHERE, ""),
        ("localhost", "sslmode=verify-full&sslrootcert={ca}"),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert={ca}"),
        (ELSEWHERE, "sslmode=verify-ca&sslrootcert={ca}"),
    ],
)
async def test_a_server_with_tls(crm_database: str, host: str, query: str, tmp_path: Path) -> None:
    """Is asked through it, by default and with its certificate checked."""
    ca = tmp_path / "ca.crt"
    ca.write_text(certificates.VALID, encoding="ascii")
    with encrypted(crm_database, certificates.VALID) as url_of:
        url = url_of(host, query.format(ca=ca))
        async with PostgresDatabase(url) as database:
            evidence = await database.collect([(ONE, {})])
    assert evidence.problem is None
    assert in_plain_text(url, "GOLIVE_DATABASE_URL") == []


@pytest.mark.parametrize(
    ("host", "ca", "shown", "said"),
    [
        ("localhost", "nowhere", certificates.VALID, "cannot be checked: the CA's own certificate"),
        ("localhost", "public", certificates.VALID, "is not trusted"),
        ("localhost", "expired", certificates.EXPIRED, "has expired"),
        (ELSEWHERE, "own", certificates.VALID, "is for another host name"),
    ],
)
async def test_what_is_wrong_with_a_certificate(
    crm_database: str, host: str, ca: str, shown: str, said: str, tmp_path: Path
) -> None:
    """A missing CA, an untrusted one and a wrong name are told apart; none offers to go without."""
    files = {
        "nowhere": str(tmp_path / "nowhere.crt"),
        "public": certifi.where(),
        "own": str(tmp_path / "own.crt"),
        "expired": str(tmp_path / "expired.crt"),
    }
    Path(files["own"]).write_text(certificates.VALID, encoding="ascii")
    Path(files["expired"]).write_text(certificates.EXPIRED, encoding="ascii")
    with encrypted(crm_database, shown) as url_of:
        query = f"sslmode=verify-full&sslrootcert={files[ca]}"
        told = problem(await ask(url_of(host, query), ONE))
    assert said in told
    assert "GOLIVE_DATABASE_URL" in told
    for weaker in ("disable", "prefer", "allow", "sslmode=require", "verify-ca"):
        assert weaker not in told


# --- other addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "plain"),
    [
        ("http://evolution.example.org", True),
        ("http://loki:3100", True),
        ("https://evolution.example.org", False),
        ("http://localhost:3100", False),
        ("http://127.0.0.1:3100", False),
        ("http://[::1]:3100", False),
    ],
)
def test_addresses_in_plain_text(base: str, plain: bool) -> None:
    """Of Evolution and of Loki; doctor warns of them."""
    assert Server(base=base, key="planted-key-41").in_plain_text is plain
    assert Loki(base=base, selector="{a='b'}").in_plain_text is plain


async def test_doctor_warns_of_http() -> None:
    """Of a Loki and an Evolution elsewhere, by name; not of what stays on this machine."""
    async with EvolutionStandIn() as stand_in, Transport(timeouts=QUICK) as transport:
        for host, warned in ((ELSEWHERE, True), ("127.0.0.1", False)):
            url = f"http://{host}:{urlsplit(stand_in.url).port}"
            asking = Asking(
                evolution=EvolutionClient(transport),
                date=nothing,
                clock=lambda: datetime.now(UTC),
            )
            environment = ServerSettings(url=url, key=stand_in.key)
            lines = await look_at_evolution(asking, environment, None)
            said = [line for line in lines if "plain text" in line.what]
            assert bool(said) is warned
            assert all(line.status is Status.WARNING and "https://" in line.mend for line in said)
    for name in ("SLACK_API_URL", "GOLIVE_PING_URL"):
        settings = Settings.from_environment({name: "http://proxy.example.org/planted-42"})
        (line,) = [one for one in look_at_environment(settings) if "plain text" in one.what]
        assert name in line.what
        assert "planted-42" not in line.what + line.mend


async def nothing(_: str) -> str | None:
    """No Date header."""
    return None
