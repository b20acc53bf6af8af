# SPDX-License-Identifier: Apache-2.0
"""The engine is heard: what it does and where it fails is in its log, and no value of anybody's."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from support.engine_images import connect
from support.engines import served

from imagebuild.cli.app import run
from imagebuild.dockerapi import faults
from imagebuild.engine import read_log
from imagebuild.engine.containers.lifecycle import Containers
from imagebuild.engine.images.transfer.registry import Registries
from imagebuild.engine.serving import log
from imagebuild.engine.serving.lock import Lock
from imagebuild.engine.serving.log import LogSettings, outline, written
from imagebuild.errors import NotFoundError, ToolError

SECRET = "hunter2hunter2"
LOG = logging.getLogger("wcow.test")


def text(root: Path) -> str:
    return "\n".join(read_log(root))


def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: log.Format, error: Exception) -> tuple[str, str]:
    """What a client is told of a handler that fails with an error, and what the log has then."""
    def fails(*_: Any, password: str = SECRET) -> None:
        raise error

    monkeypatch.setattr(Containers, "find", fails)
    with written(tmp_path, LogSettings("debug", format)), served(tmp_path) as one:
        with pytest.raises(faults.Internal) as told:
            one.client.json("GET", "/containers/abc/json", query={"size": SECRET})
        one.failed.clear()
    return told.value.message, text(tmp_path)


def test_a_handlers_bug_is_answered_with_a_number_and_its_traceback_is_in_the_log(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message, found = broken(tmp_path, monkeypatch, "text", KeyError(SECRET))
    number = re.fullmatch(r"internal error ([0-9a-f]{12}) \(KeyError\): 'wcow engine logs' shows where", message)
    assert number
    assert f"ERROR   wcow.engine: GET /containers/abc/json failed, error {number[1]}" in found
    assert f'test_log.py", line {broken.__code__.co_firstlineno + 3}, in fails' in found
    assert "raise error" in found
    assert SECRET not in found + message


def test_a_line_of_json_has_the_traceback_and_the_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message, found = broken(tmp_path, monkeypatch, "json", ValueError(f"invalid literal for int(): {SECRET!r}"))
    lines = [json.loads(line) for line in found.splitlines()]
    [line] = [one for one in lines if one["level"] == "error"]
    assert line["id"] in message
    assert line["logger"] == "wcow.engine"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert line["traceback"][-1] == "ValueError"
    assert SECRET not in found


@pytest.mark.parametrize(("error", "said"), [
    (KeyError(SECRET), "KeyError"), (ValueError(SECRET), "ValueError"), (ToolError(SECRET, why=SECRET), "ToolError"),
    (subprocess.CalledProcessError(1, ["x", SECRET]), "CalledProcessError"), (RuntimeError(SECRET), "RuntimeError"),
    (FileNotFoundError(2, SECRET, SECRET), "FileNotFoundError: No such file or directory"),
    (OSError(SECRET), "OSError"),
    (AttributeError("'NoneType' object has no attribute 'x'"),
     "AttributeError: 'NoneType' object has no attribute 'x'")])
def test_of_an_error_only_what_holds_no_value_is_said(error: Exception, said: str) -> None:
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as cause:
            raise error from cause
    except Exception as caught:
        lines = outline(caught)
    assert lines[-1] == said
    assert "ValueError" in lines
    assert SECRET not in "\n".join(lines)


def test_no_variable_command_line_label_or_login_of_a_client_is_in_the_log(tmp_path: Path) -> None:
    login = base64.urlsafe_b64encode(json.dumps({"username": "u", "password": SECRET}).encode()).decode()
    with written(tmp_path, LogSettings("debug")), served(tmp_path) as one:
        one.engine.images.registries = Registries(connect)
        body = {"Image": "app:1", "Cmd": ["cmd", "/c", "echo", SECRET], "Env": [f"PASSWORD={SECRET}"],
                "Labels": {"password": SECRET}}
        made = one.client.json("POST", "/containers/create", body=body)["Id"]
        one.client.call("POST", f"/containers/{made}/start").close()
        one.client.json("POST", f"/containers/{made}/wait")
        with pytest.raises(faults.Fault):
            one.client.json("POST", "/images/create", query={"fromImage": f"localhost:1/x:{SECRET}"},
                            headers={"X-Registry-Auth": login})
        one.client.json("DELETE", f"/containers/{made}")
        runs = one.create("sleep 60")
        one.post(f"/containers/{runs}/start")
        asked = {"Cmd": ["cmd", "/c", "echo", SECRET], "Env": [f"PASSWORD={SECRET}"]}
        program = one.client.json("POST", f"/containers/{runs}/exec", body=asked)["Id"]
        one.client.call("POST", f"/exec/{program}/start", body={"Detach": True}).close()
        one.client.call("DELETE", f"/containers/{runs}", query={"force": True}).close()
    found = text(tmp_path)
    assert f"container start {made}" in found
    assert f"container exec_create {runs}" in found
    assert f"DELETE /containers/{made} answered 204" in found
    assert SECRET not in found
    assert login not in found


def test_a_task_that_no_one_waits_for_is_heard(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from support.engines import make
from imagebuild.engine.serving.log import LogSettings
from imagebuild.engine.serving.serve import serve
import os, signal, threading
async def fails():
    raise KeyError({SECRET!r})
def ready():
    asyncio.get_running_loop().create_task(fails())
    threading.Thread(target=lambda: 1 / 0).start()
    asyncio.get_running_loop().call_later(0.3, os.kill, os.getpid(), signal.SIGTERM)
root = Path({str(tmp_path)!r})
asyncio.run(serve(lambda: make(root), root, root / "sock", ready=ready, log=LogSettings(stderr=True)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    for found in (text(tmp_path), done.stderr):
        assert "Task exception was never retrieved" in found
        assert "in fails" in found
        assert "ZeroDivisionError: division by zero" in found
        assert "wcow.engine: listening on" in found
        assert "wcow.engine: stopping" in found
        assert SECRET not in found


# --- the file

def test_the_file_is_turned_over_is_its_owners_and_standard_error_follows(tmp_path: Path,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LARGEST", 2000)
    before = os.dup(2)
    fd = os.open(tmp_path / "engine.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.dup2(fd, 2)
        with written(tmp_path, LogSettings()):
            for number in range(200):
                LOG.info("line %d", number)
            os.write(2, b"by standard error\n")
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(fd)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["engine.log", "engine.log.1", "engine.log.2", "engine.log.3"]
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in files} == {0o600}
    assert all((tmp_path / name).stat().st_size < 3000 for name in files)
    lines = list(read_log(tmp_path))
    assert lines[-1] == "by standard error"
    assert [line.rpartition(" ")[2] for line in lines[-4:-1]] == ["197", "198", "199"]
    assert len(list(read_log(tmp_path, tail=2))) == 2


def test_a_folder_that_takes_no_log_and_lines_that_are_none_keep_from_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest-xdist's worker dies of a captured line that is not Unicode.
    monkeypatch.setattr(logging.getLogger("wcow"), "propagate", False)
    with written(tmp_path / "missing", LogSettings()):
        LOG.info("nobody hears it")
    with written(tmp_path, LogSettings()):
        LOG.info("two\nlines \udc80")
    assert text(tmp_path).endswith("INFO    wcow.test: two lines \\udc80")


def test_a_level_keeps_lesser_lines_out_and_is_put_back(tmp_path: Path) -> None:
    before = logging.getLogger("wcow").level
    with written(tmp_path, LogSettings("warning")):
        LOG.info("lesser")
        LOG.warning("greater")
    assert "lesser" not in text(tmp_path)
    assert "greater" in text(tmp_path)
    assert (logging.getLogger("wcow").level, logging.getLogger("wcow").handlers) == (before, [])


# --- wcow engine logs

def test_logs_are_printed_and_followed_until_the_engine_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                             capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WCOW_ENGINE_ROOT", str(tmp_path))
    assert run(["engine", "logs"]) == 2
    assert "there is no log of an engine" in capsys.readouterr().err
    lock = Lock(tmp_path)
    with written(tmp_path, LogSettings()):
        LOG.info("one")
        LOG.info("two")

        def more() -> None:
            LOG.info("three")
            (tmp_path / "engine.log").rename(tmp_path / "engine.log.1")  # as when it is turned over
            (tmp_path / "engine.log").write_text("four\n")
            threading.Event().wait(0.3)
            lock.close()

        later = threading.Timer(0.3, more)
        later.start()
        assert run(["engine", "logs", "-f", "-n", "1"]) == 0
        later.join()
    said = [line.rpartition(" ")[2] for line in capsys.readouterr().out.splitlines()]
    assert said == ["two", "three", "four"]
    assert run(["engine", "logs", "--tail", "1"]) == 0
    assert capsys.readouterr().out == "four\n"


def test_there_is_no_log_where_no_engine_was(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no log"):
        list(read_log(tmp_path))
