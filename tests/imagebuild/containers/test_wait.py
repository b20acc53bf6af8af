# SPDX-License-Identifier: Apache-2.0
"""Waits end when it is so, when the container has ended, and at their deadline."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support import engines

from imagebuild.containers import (
    Container,
    DeadlineError,
    ForExec,
    ForExit,
    ForHttp,
    ForLog,
    ForPort,
    Spec,
    run_container,
)
from imagebuild.containers.wait import connects, strategy_of
from imagebuild.errors import DaemonError, UsageError


@pytest.fixture
def served(tmp_path: Path) -> Iterator[engines.Served]:
    with engines.served(tmp_path) as found:
        yield found


def box_of(served: engines.Served, line: str) -> Container:
    return run_container(served.client, Spec.of(engines.IMAGE, command=line.split(" ")))


def test_a_log_is_waited_for_by_its_text_and_by_how_often(served: engines.Served) -> None:
    box = box_of(served, "echo one && sleep 0.2 && echo ready && echo ready && sleep 60")
    assert box.wait_for("^ready", ForLog("ready", 2), ForExec(("exit", "0"))) is box


def test_a_container_that_ended_is_an_error_at_once_with_its_last_lines(served: engines.Served) -> None:
    box = box_of(served, "echo broken && exit 0xC0000005")
    with pytest.raises(DaemonError, match=r"STATUS_ACCESS_VIOLATION(.|\n)*broken"):
        box.wait_for("ready", timeout=30)
    assert box.wait_for(ForExit(0xC0000005)).exit_code == 0xC0000005
    with pytest.raises(DaemonError, match="not with 1"):
        box.wait_for(ForExit(1))


def test_a_deadline_says_what_was_waited_for(served: engines.Served) -> None:
    with pytest.raises(DeadlineError, match=r"a log that matches 'ready' was waited for(.|\n)*it printed nothing"):
        box_of(served, "sleep 60").wait_for("ready", timeout=0.1)


def test_a_function_a_number_and_a_text_are_strategies() -> None:
    assert str(strategy_of("a")) == "a log that matches 'a'"
    assert strategy_of(80) == ForPort(80)
    assert strategy_of(lambda box: box == 1).ready(cast(Any, 1))
    with pytest.raises(UsageError):
        strategy_of(cast(Any, 1.5))


def test_a_port_that_closes_at_once_does_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert connects("127.0.0.1", port)
        closing = threading.Thread(target=lambda: [server.accept()[0].close() for _ in range(2)])
        closing.start()
        assert not connects("127.0.0.1", port)
        closing.join()
    assert not connects("127.0.0.1", port)


def test_an_http_answer_counts_by_its_status() -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503 if self.path == "/busy" else 404)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = SimpleNamespace(reachable=lambda port: ("127.0.0.1", server.server_port))
        assert not ForHttp(80).ready(cast(Any, place))
        assert ForHttp(80, "/busy", (503,)).ready(cast(Any, place))
        server.shutdown()
