# SPDX-License-Identifier: Apache-2.0
"""Asking the engine of this machine, and nobody else's."""

from __future__ import annotations

import hashlib
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

from imagebuild.host import answers


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
    server = Engine(tmp_path / "s", {"/v1.45/info": (200, b'{"OSType": "linux"}'),
                                     "/v1.45/version": (200, b'{"Version": "29.0"}')})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def ask(engine: Engine, **said: str) -> answers.Answers:
    return answers.ask({"DOCKER_HOST": f"unix://{engine.server_address!s}", "DOCKER_API_VERSION": "1.45", **said})


def test_an_engine_says_what_it_is(engine: Engine) -> None:
    assert ask(engine) == answers.Answers({"OSType": "linux"}, {"Version": "29.0"})


@pytest.mark.parametrize(("answer", "error"), [
    ((500, b"{}"), "{}"), ((500, b'{"message": "no disk"}'), "no disk"),
    ((200, b"moon"), "GET /info was not answered with JSON"),
    ((200, b"[" * 100_000), "GET /info was not answered with JSON"),
    ((200, b"[]"), "the engine's answer to /info is not a JSON object"),
])
def test_an_engine_that_answers_nonsense_says_nothing(engine: Engine, answer: tuple[int, bytes], error: str) -> None:
    engine.answers["/v1.45/info"] = answer
    found = ask(engine)
    assert found.info is None and (found.error or "").endswith(error)


def test_no_engine_is_no_error(tmp_path: Path) -> None:
    assert "there is no socket of this name" in (answers.ask({"DOCKER_HOST": f"unix://{tmp_path}/none"}).error or "")


def test_an_engine_that_never_answers_is_left(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        found = answers.ask({"DOCKER_HOST": f"unix://{tmp_path}/s"}, timeout=0.1)
    assert "is silent: it did not answer within 0.1 s" in (found.error or "")


@pytest.mark.parametrize("address", ["tcp://windows.example:2375", "ssh://me@host", "192.0.2.1", "x",
                                     "npipe:////server/pipe/docker_engine"])
def test_an_engine_of_another_machine_is_not_asked(address: str) -> None:
    found = answers.ask({"DOCKER_HOST": address})
    assert found.info is None
    assert "not asked" in (found.error or "")


def test_the_engine_of_the_current_context_is_asked(engine: Engine, tmp_path: Path) -> None:
    key = hashlib.sha256(b"mine").hexdigest()
    folder = tmp_path / "config/contexts/meta" / key
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": "mine", "Endpoints": {
        "docker": {"Host": f"unix://{engine.server_address!s}"}}}))
    said = {"DOCKER_CONFIG": str(tmp_path / "config"), "DOCKER_API_VERSION": "1.45"}
    assert answers.ask({**said, "DOCKER_CONTEXT": "mine"}).version == {"Version": "29.0"}
    assert "there is no context of this name" in (answers.ask({**said, "DOCKER_CONTEXT": "yours"}).error or "")


@pytest.mark.parametrize("address", ["unix://[", "tcp://localhost:x", "http://localhost"])
def test_an_address_that_is_none_is_no_crash(address: str) -> None:
    assert answers.ask({"DOCKER_HOST": address}).error


@given(st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and "localhost" not in text
                                               and not text.startswith(("unix:", "127."))))
def test_any_address_is_asked_or_refused(address: str) -> None:
    assert answers.ask({"DOCKER_HOST": address, "DOCKER_CONFIG": "/nonexistent"}).error


def test_answers_are_kept_as_they_are(engine: Engine) -> None:
    info = {"OSType": "windows", "Name": "\N{LATIN SMALL LETTER U WITH DIAERESIS}"}
    engine.answers["/v1.45/info"] = (200, json.dumps(info, ensure_ascii=False).encode())
    assert ask(engine).info == info
