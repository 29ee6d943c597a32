"""Real receivers on this machine: an HTTP server and a small SMTP server, each in a thread of its own."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.conftest import missing

from holdfast.engine.state.database import StateDb


@pytest.fixture
def db(tmp_path: Path) -> StateDb:
    return StateDb(tmp_path / "state.db")


@dataclass
class Receiver:
    """Answers from a list of (status, headers), then 204; keeps what came."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    silent: threading.Event | None = None
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if kept.silent is not None:
                kept.silent.wait(10)
                return
            status, headers = kept.answers.pop(0) if kept.answers else (204, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hook?shop=1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield kept
    if kept.silent is not None:
        kept.silent.set()
    server.shutdown()
    server.server_close()
    thread.join(5)


@dataclass
class Relay:
    """A small SMTP server's mailbox: (sender, recipients, letter, encrypted), and what it answers to RCPT and DATA."""

    port: int = 0
    letters: list[tuple[str, list[str], bytes, bool]] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    drop_after: int | None = None


@contextmanager
def relay_server(context: ssl.SSLContext | None = None) -> Iterator[Relay]:
    """A relay that offers STARTTLS where it has a certificate."""
    kept = Relay()
    loop = asyncio.new_event_loop()

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, to, encrypted = "", [], False

        async def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())
            await writer.drain()

        await say("220 relay")
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["250-relay", "250-8BITMIME"] + ([] if encrypted or context is None else ["250-STARTTLS"])
                await say("\r\n".join([*offers, "250 AUTH PLAIN"]))
            elif verb == "STARTTLS" and context is not None:
                await say("220 go on")
                await writer.start_tls(context)
                encrypted = True
            elif verb == "AUTH":
                kept.logins.append(line.split(" ", 2)[2])
                await say("235 welcome")
            elif verb == "MAIL":
                sender, to = line, []
                await say("250 ok")
            elif verb == "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                answer = kept.rcpt.get(address, "250 ok")
                to += [address] if answer.startswith("250") else []
                await say(answer)
            elif verb == "DATA":
                await say("354 go on")
                letter = b""
                while (row := await reader.readline()) != b".\r\n":
                    letter += row
                answer = kept.data.pop(0) if kept.data else "250 taken"
                if answer.startswith("250"):
                    kept.letters.append((sender, to, letter, encrypted))
                if kept.drop_after == len(kept.letters):
                    kept.drop_after = None
                    writer.close()
                    return
                await say(answer)
            elif verb == "QUIT":
                await say("221 bye")
                writer.close()
                return
            else:
                await say("250 ok")

    async def start() -> asyncio.Server:
        return await asyncio.start_server(session, "127.0.0.1", 0)

    server = loop.run_until_complete(start())
    kept.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:

        async def end() -> None:
            server.close()
            others = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
            for one in others:
                one.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@pytest.fixture
def relay() -> Iterator[Relay]:
    with relay_server() as kept:
        yield kept


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of this machine, made for this run."""
    folder = tmp_path_factory.mktemp("certificate")
    key, cert = folder / "key.pem", folder / "cert.pem"
    try:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-keyout", str(key), "-out", str(cert), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        missing("no openssl to make a certificate with")
    return cert, key


@pytest.fixture
def tls_relay(certificate: tuple[Path, Path]) -> Iterator[Relay]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with relay_server(context) as kept:
        yield kept
