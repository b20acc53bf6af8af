# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around a run: engines that die, hang or talk nonsense, disks that are full, containers that flood,
values without a meaning. Each is told with its cause, without a traceback of ours, and in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import programs, small_disk
from support.plugin_stage import Stage, loaded
from support.scripted_engine import scripted

from imagebuild.containers import container as container_module
from imagebuild.containers import lifecycle, start
from imagebuild.containers.inside import execute

pytest_plugins = "pytester"

ONE = "def test_it(nanoserver): pass"
HELLO = 'def test_it(nanoserver): assert nanoserver.cmd("echo hello").check().stdout == "hello\\n"'


def plain(result: pytest.RunResult) -> None:
    """No traceback and no frame of ours."""
    for text in ("*Traceback*", "*During handling*", "*INTERNALERROR*", "*imagebuild/*", "*pytest_wcow/_*"):
        result.stdout.no_fnmatch_line(text)
        result.stderr.no_fnmatch_line(text)


@contextmanager
def answering(path: Path, data: bytes | None) -> Iterator[str]:
    """A socket that gives the same bytes to each who connects, and ends; with None it never says anything."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(16)
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    one, _ = server.accept()
                except OSError:
                    return
                kept.append(one)
                if data is not None:
                    one.recv(65536)
                    one.sendall(data)
                    one.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"unix://{path}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for one in kept:
                one.close()


@pytest.mark.parametrize("data", [b"\x00\xff nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                                  b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", b""],
                         ids=["no http", "no engine", "refusal", "nothing"])
def test_what_is_no_engine_is_an_error_in_a_line(on: Stage, tmp_path: Path, data: bytes) -> None:
    with answering(tmp_path / "odd.sock", data) as address:
        result = on.run(ONE, address=address)
    result.assert_outcomes(errors=1)
    plain(result)


def test_an_engine_that_never_answers_is_given_up(
        on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _engine = loaded("_engines.engine")

    monkeypatch.setattr(_engine, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(_engine, "CALL_SECONDS", 0.3)
    with answering(tmp_path / "dead.sock", None) as address:
        result = on.run(ONE, address=address)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*is silent*"])
    plain(result)


@pytest.mark.parametrize("call", ["create", "start", "exec", "stop"])
def test_an_engine_that_hangs_in_a_call_is_given_up(
        on: Stage, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _engine = loaded("_engines.engine")

    monkeypatch.setattr(_engine, "CALL_SECONDS", 0.5)
    monkeypatch.setattr(lifecycle, "END_SECONDS", 0.5)
    for function in (lifecycle.remove, start.start_container):
        monkeypatch.setitem(function.__kwdefaults__, "seconds", 1.0)
    on.script.hold = call
    before = time.monotonic()
    result = on.run('def test_it(nanoserver): nanoserver.cmd("ver", timeout=0.5)')
    on.script.release.set()
    assert time.monotonic() - before < 60
    assert (result.parseoutcomes().get("passed") is None) == (call != "stop")
    assert call == "create" or on.script.states == {}
    plain(result)


def test_an_engine_that_dies_in_mid_test_is_the_test_s_error_and_nothing_more(on: Stage, tmp_path: Path) -> None:
    (tmp_path / "dying").mkdir()
    server = scripted(tmp_path / "dying", on.script)
    address = server.__enter__()
    ended: list[None] = []

    def run(argv: list[str]) -> tuple[int, bytes, bytes]:
        if not ended:
            ended.append(None)
            threading.Thread(target=server.__exit__, args=(None, None, None)).start()
            time.sleep(1.0)
        return 0, b"", b""

    on.script.run = run
    result = on.run('''
def test_it(nanoserver): nanoserver.cmd("ver")
def test_next(nanoserver): pass
''', address=address)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["*what is left*", "container *stays: *"])
    plain(result)


def test_answers_that_are_not_what_was_asked_are_errors_in_a_line(on: Stage) -> None:
    on.script.nonsense["create"] = b"[1, 2"
    on.script.nonsense["inspect"] = b'{"State": 7}'
    result = on.run(ONE)
    result.assert_outcomes(errors=1)
    plain(result)
    del on.script.nonsense["create"]
    result = on.run('def test_it(nanoserver): nanoserver.inspect()')
    result.assert_outcomes(failed=1)
    plain(result)


@pytest.mark.parametrize("data", [b"\xff\xfeg\x00\x00\xd8r\x00\r\x00\n\x00", b"a\x00b\x00\x00\xdc", b"\xff", b"\xc3(",
                                  "gr\u00fc\u00df".encode("utf-16")[:-1]])
def test_broken_output_is_text_all_the_same(on: Stage, data: bytes) -> None:
    on.script.run = lambda argv: (0, data, b"")
    on.script.log = data
    found = on.box()
    assert found.run(["x"]).stdout
    assert found.run(["x"]).raw.stdout == data
    assert found.logs()
    on.run('def test_it(nanoserver): assert nanoserver.cmd("x").stdout; assert 0').assert_outcomes(failed=1)


def test_a_program_that_floods_its_output_is_ended(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "OUTPUT_MOST", 1 << 20)
    on.script.run = lambda argv: (0, b"x" * (2 << 20), b"")
    result = on.run('def test_it(nanoserver): nanoserver.cmd("flood")')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*cmd printed too much: more than 1 MB*"])
    plain(result)


def test_a_container_that_floods_its_log_fails_no_report(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container_module, "LOG_MOST", 1 << 20)
    on.script.log = b"flood\r\n" * (1 << 18)
    result = on.run('''
import pytest
from imagebuild.errors import DaemonError
def test_it(nanoserver):
    with pytest.raises(DaemonError, match="printed too much"):
        nanoserver.logs()
    assert 0
''', "--wcow-artifacts=on")
    result.assert_outcomes(failed=1)
    plain(result)
    assert on.script.states == {}


def test_a_container_that_ends_at_once_is_told_with_its_code_and_last_words(on: Stage) -> None:
    on.script.exits = 3221225781
    on.script.log = b"cannot find x.dll\r\n"
    result = on.run('def test_it(container_factory): container_factory(wait="ready", timeout=5)')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ended with 3221225781 (0xc0000135 STATUS_DLL_NOT_FOUND*", "*cannot find x.dll*"])
    plain(result)
    assert on.script.states == {}


def test_a_container_that_never_becomes_ready_is_given_up(on: Stage) -> None:
    on.script.log = b"still thinking\r\n"
    result = on.run('def test_it(container_factory): container_factory(wait="ready", timeout=0.5)')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the container is not ready: a log that matches 'ready'*", "*still thinking*"])
    plain(result)


@pytest.mark.parametrize(("facts", "said"), [
    ('mounts={"C:\\\\": "C:\\\\x"}', "*mounts nothing over the drive C:*"),
    ('mounts={"C:\\\\x": Path("/nope")}', "*nothing is there*"),
    ('mounts={"x": Path("/")}', "*absolute path of Windows*"),
    ('mounts={"C:\\\\a:b": Path("/")}', "*has no < > *"),
    ('mounts=7', "*cannot read 7 as mounts*"),
    ('ports=["http"]', "*http*"),
    ('colour="red"', "*colour*"),
    ('environ={"A=B": "c"}', "*A=B*"),
    ('memory=-1', "*-1*")])
def test_facts_without_a_meaning_are_refused_before_the_engine_is_asked(on: Stage, facts: str, said: str) -> None:
    result = on.run(f"from pathlib import Path\ndef test_it(container_factory): container_factory({facts})")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])
    plain(result)
    assert "create" not in on.script.asked


@pytest.mark.slow
def test_a_full_disk_fails_no_test_for_its_artifacts(on: Stage) -> None:
    with programs.skipping(), small_disk.full_disk() as disk:
        result = on.run(ONE, "--wcow-artifacts=on", f"--wcow-artifacts-dir={disk}/kept",
                        f"--wcow-timeline={disk}/t.html")
        result.assert_outcomes(passed=1)
        result.stdout.fnmatch_lines(["*what is left*", "*artifacts of*No space left*"])
        plain(result)
    assert on.script.states == {}


@pytest.mark.slow
def test_a_full_disk_where_the_plugin_keeps_its_state_is_told(
        on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with programs.skipping(), small_disk.full_disk() as disk:
        monkeypatch.setenv("XDG_STATE_HOME", str(disk))
        run = on.start("def test_it(nanoserver_session): pass")
        text = run.communicate(timeout=300)[0]
    assert "1 error" in text, text
    assert "No space left" in text
    assert "Traceback" not in text
    assert on.script.states == {}
