# SPDX-License-Identifier: Apache-2.0
"""Asking the engine of this machine, and nobody else's."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.host import daemon


class Engine(ThreadingUnixStreamServer):
    """An engine on a unix socket that gives the same bytes for each path."""

    def __init__(self, path: Path, answers: dict[str, tuple[int, bytes]]) -> None:
        self.answers = answers
        super().__init__(str(path), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Engine)
        status, data = server.answers[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    server = Engine(tmp_path / "s", {"/info": (200, b'{"OSType": "linux"}'), "/version": (200, b'{"Version": "29.0"}')})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def ask(engine: Engine) -> daemon.Answers:
    return daemon.ask(f"unix://{engine.server_address!s}")


def test_an_engine_says_what_it_is(engine: Engine) -> None:
    assert ask(engine) == daemon.Answers({"OSType": "linux"}, {"Version": "29.0"})


@pytest.mark.parametrize(("answer", "error"), [
    ((500, b"{}"), "the engine answered 500 to /info"), ((200, b"moon"), "the engine's answer is not JSON"),
    ((200, b"[" * 100_000), "the engine's answer is not JSON"),
    ((200, b"[]"), "the engine's answer to /info is no JSON object"),
])
def test_an_engine_that_answers_nonsense_says_nothing(engine: Engine, answer: tuple[int, bytes], error: str) -> None:
    engine.answers["/info"] = answer
    assert ask(engine) == daemon.Answers(error=error)


def test_no_engine_is_no_error(tmp_path: Path) -> None:
    assert daemon.ask(f"unix://{tmp_path}/none").error == "no engine listens on its socket"


def test_an_engine_that_never_answers_is_left(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        assert daemon.ask(f"unix://{tmp_path}/s", timeout=0.1).error == "timed out"


@pytest.mark.parametrize("address", ["tcp://windows.example:2375", "ssh://me@host", "npipe:////./pipe/docker_engine",
                                     "http://192.0.2.1", "x"])
def test_an_engine_of_another_machine_is_not_asked(address: str) -> None:
    answers = daemon.ask(address)
    assert answers.info is None
    assert "not asked" in (answers.error or "")


@pytest.mark.parametrize("address", ["unix://[", "tcp://localhost:x"])
def test_an_address_that_is_none_is_no_crash(address: str) -> None:
    assert daemon.ask(address).error


@given(st.text(max_size=20).filter(lambda text: not text.startswith(("unix:", "tcp:", "http:")) and text))
def test_any_address_is_asked_or_refused(address: str) -> None:
    assert daemon.ask(address).error


def test_answers_are_kept_as_they_are(engine: Engine) -> None:
    info = {"OSType": "windows", "Name": "\N{LATIN SMALL LETTER U WITH DIAERESIS}"}
    engine.answers["/info"] = (200, json.dumps(info, ensure_ascii=False).encode())
    assert ask(engine).info == info
