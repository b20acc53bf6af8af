# SPDX-License-Identifier: Apache-2.0
"""TCP with certificates on both sides, and what becomes of those who have none."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import programs, scripted_engines, toy_engine

from imagebuild.dockerapi import Client, Server, shapes, tls_context
from imagebuild.dockerapi.client.tls import context as client_tls
from imagebuild.errors import DaemonError, NotFoundError, UsageError


@dataclass(frozen=True)
class Secured:
    """A listening engine, and the folders with certificates."""

    port: int
    engine: Path
    known: Path
    unknown: Path

    def client(self, folder: Path) -> Client:
        tls = client_tls(self.engine / "cert.pem", folder / "cert.pem", folder / "key.pem")
        return Client.at(f"tcp://localhost:{self.port}", tls=tls, version="1.45")


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    folders = [tmp_path / name for name in ("engine", "known", "unknown")]
    with programs.skipping():
        for folder in folders:
            programs.certificate(folder)
    engine, known, unknown = folders
    ready: list[int] = []
    begun = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    done = asyncio.Event()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        server = Server(toy_engine.routes(), toy_engine.Engine())
        context = tls_context(engine / "cert.pem", engine / "key.pem", known / "cert.pem")
        ready.append(await server.listen_tls("localhost", 0, context))
        begun.set()
        await done.wait()
        await server.close(grace=0)
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert begun.wait(20)
    yield Secured(ready[0], engine, known, unknown)
    loops[0].call_soon_threadsafe(done.set)
    thread.join(20)
    assert not thread.is_alive()


def test_who_has_the_right_certificate_is_served(secured: Secured) -> None:
    with secured.client(secured.known) as client:
        assert client.ping().os_type == "windows"
        one = client.json("POST", "/containers/create", shape=shapes.Created,
                          body=shapes.CreateRequest(image="hello")).id
        with client.attach(f"/containers/{one}/attach", query={"stream": 1, "stdout": 1}) as stream:
            client.call("POST", f"/containers/{one}/start").close()
            assert b"".join(data for _, data in stream.pieces()) == b"hello\r\noops\r\n"
        list(client.lines("POST", "/images/load", body=(b"x" * 100_000 for _ in range(20))))


def test_who_has_another_or_none_is_not(secured: Secured) -> None:
    with secured.client(secured.unknown) as client, pytest.raises(DaemonError):
        client.ping()
    context = ssl.create_default_context(cafile=str(secured.engine / "cert.pem"))
    bare = Client.at(f"tcp://localhost:{secured.port}", tls=context, version="1.45")
    with bare, pytest.raises(DaemonError):
        bare.ping()
    plain = Client.at(f"tcp://localhost:{secured.port}", version="1.45")
    with plain, pytest.raises(DaemonError):
        plain.ping()
    with secured.client(secured.known) as client:  # and it goes on serving
        assert client.ping().os_type == "windows"


def test_an_engine_with_another_certificate_is_not_believed(secured: Secured) -> None:
    tls = client_tls(secured.unknown / "cert.pem", secured.known / "cert.pem", secured.known / "key.pem")
    with (Client.at(f"tcp://localhost:{secured.port}", tls=tls) as client,
          pytest.raises(DaemonError, match=r"certificate verify failed|CERTIFICATE_VERIFY_FAILED")):
        client.ping()


def test_tcp_without_client_certificates_is_not_served() -> None:
    async def run() -> None:
        server = Server([])
        for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)):
            with pytest.raises(UsageError, match="would not have to show a certificate"):
                await server.listen_tls("localhost", 0, context)
        await server.close()
    asyncio.run(run())


def test_files_that_are_no_certificates_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    for path in (tmp_path / "x.pem", tmp_path / "none.pem"):
        with pytest.raises((UsageError, NotFoundError), match="cannot speak TLS") as caught:
            client_tls(path, path, path)
        assert isinstance(caught.value, UsageError) is path.exists() and str(path) in caught.value.why
        with pytest.raises(UsageError, match=r"cannot (speak TLS|serve over TLS)"):
            tls_context(path, path, path)


def test_a_client_that_never_shakes_hands_costs_no_thread_of_ours(secured: Secured) -> None:
    silent = socket.create_connection(("localhost", secured.port))
    with secured.client(secured.known) as client:
        assert client.ping().os_type == "windows"
    silent.close()


UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


def test_stdin_ends_over_tls_and_output_goes_on(tmp_path: Path) -> None:
    """docker does so with TLS's close_notify. A thread writes while another reads, on one connection."""
    with programs.skipping():
        programs.certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    def echo(there: socket.socket) -> None:
        scripted_engines.request_head(there)
        there.sendall(UPGRADED)
        while data := there.recv(65536):
            there.sendall(data.upper())
        there.sendall(b"THE END")
        assert isinstance(there, ssl.SSLSocket)
        there.unwrap()

    text = b"some words\n" * 200_000
    with (scripted_engines.on_tcp(echo, context) as port,
          Client.at(f"tcp://localhost:{port}", version="1.45",
                    tls=client_tls(tmp_path / "cert.pem", None, None)) as one,
          one.attach("/containers/a/attach", silence=30) as stream):
        def feed() -> None:
            stream.write(text)
            stream.end()
        writer = threading.Thread(target=feed)
        writer.start()
        out = b"".join(stream)
        writer.join(20)
        assert not writer.is_alive()
        with pytest.raises(DaemonError):
            stream.write(b"more")
    assert out == text.upper() + b"THE END"


def test_what_had_come_when_stdin_ended_is_read_afterwards(tmp_path: Path) -> None:
    with programs.skipping():
        programs.certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    said = threading.Event()

    def speak(there: socket.socket) -> None:
        scripted_engines.request_head(there)
        there.sendall(UPGRADED + b"x" * 100_000)
        said.set()
        while there.recv(65536):
            pass
        there.sendall(b"THE END")
        assert isinstance(there, ssl.SSLSocket)
        there.unwrap()

    with (scripted_engines.on_tcp(speak, context) as port,
          Client.at(f"tcp://localhost:{port}", version="1.45",
                    tls=client_tls(tmp_path / "cert.pem", None, None)) as one,
          one.attach("/containers/a/attach", silence=30) as stream):
        assert said.wait(20)
        out = stream.read(5)
        while len(out) < 20_000:
            out += stream.read(5_000)
        stream.end()
        assert out + b"".join(stream) == b"x" * 100_000 + b"THE END"


def test_an_engine_that_closes_without_saying_so_over_tls_has_broken_off(tmp_path: Path) -> None:
    with programs.skipping():
        programs.certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    def cut(there: socket.socket) -> None:
        scripted_engines.request_head(there)
        there.sendall(UPGRADED + b"half")
        there.shutdown(socket.SHUT_RDWR)

    with (scripted_engines.on_tcp(cut, context) as port,
          Client.at(f"tcp://localhost:{port}", version="1.45",
                    tls=client_tls(tmp_path / "cert.pem", None, None)) as one,
          one.attach("/containers/a/attach", silence=30) as stream):
        assert stream.read() == b"half"
        with pytest.raises(DaemonError, match="closed the connection without TLS's end"):
            stream.read()


def test_a_port_that_does_not_speak_tls_is_named() -> None:
    with (scripted_engines.on_tcp(lambda there: there.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port,
          Client.at(f"https://localhost:{port}") as client, pytest.raises(DaemonError) as caught):
        client.ping()
    assert "cannot speak TLS" in caught.value.what and "does not speak TLS" in caught.value.hint
