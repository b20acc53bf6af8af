# SPDX-License-Identifier: Apache-2.0
"""What other users of the machine find out of an engine's folder after a busy day: nothing."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from support import programs, users
from support.engine import IMAGE, Docker, Engine, until

from imagebuild.engine import modes
from imagebuild.runtime.linux.account import choose

pytestmark = pytest.mark.slow

SECRET = "s3cret-of-the-test"
LOOK = """
import json, os, socket, sys
root, paths = sys.argv[1], json.loads(sys.stdin.read())
seen = []
for path in [root, *paths]:
    try:
        if os.path.isdir(path):
            seen.append("lists " + path + repr(os.listdir(path)[:3]))
        elif path.endswith(".sock"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
            seen.append("connects to " + path)
        else:
            with open(path, "rb") as stream:
                stream.read(1)
            seen.append("reads " + path)
    except OSError:
        pass
print(json.dumps(seen))
"""
"""Run as another user, who knows every path: what of them it may use."""


@pytest.fixture
def busy(windows: Engine, docker: Docker, tmp_path: Path, name: str) -> Engine:
    """The engine after builds, commits, runs, an exec, volumes, networks and logs, with a container that runs."""
    docker("volume", "create", f"{name}-v")
    docker("network", "create", "-d", "nat", "--label", f"token={SECRET}", f"{name}-n")
    docker("create", "--name", name, "--network", f"{name}-n", "-e", f"TOKEN={SECRET}", "-v", f"{name}-v:C:\\data",
           IMAGE, "cmd", "/c", f"echo {SECRET}& echo {SECRET}> C:\\data\\kept.txt & echo {SECRET}> C:\\app\\new.txt "
           "& ping -n 60 127.0.0.1 >nul")
    docker("start", name)
    until(lambda: SECRET in docker("logs", name))
    docker("stop", "-t", "0", name)
    docker("commit", name, f"{name}:1")
    docker("start", name)
    docker("exec", "-e", f"MORE={SECRET}", name, "cmd", "/c", "echo %MORE%> C:\\app\\more.txt")
    (tmp_path / "Dockerfile").write_text(f"FROM {IMAGE}\nENV TOKEN={SECRET}\nCOPY Dockerfile C:/x/\n")
    docker("build", "-t", f"{name}-built:1", tmp_path)
    docker("run", "--rm", f"{name}-built:1")
    docker("save", "-o", windows.fresh() / "image.tar", f"{name}:1")
    return windows


@pytest.fixture(autouse=True)
def tidy(windows: Engine, name: str) -> object:
    yield
    windows.docker("rm", "-f", name)
    for words in (("rmi", f"{name}:1", f"{name}-built:1"), ("volume", "rm", f"{name}-v"),
                  ("network", "rm", f"{name}-n")):
        windows.docker(*words, ok=False)


def _paths(root: Path) -> list[Path]:
    """Everything in an engine's folder but the Wine prefix that tests share (it holds nothing of a container)."""
    return [path for path in root.rglob("*") if path.relative_to(root).parts[0] != "sandbox"]


def _seen(user: users.User, root: Path, paths: list[Path]) -> list[str]:
    given = json.dumps([str(path) for path in paths]).encode()
    done = programs.run(user.python, "-c", LOOK, root, stdin=given, cwd=Path("/"), user=user)
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def test_another_user_who_knows_every_path_reads_and_lists_nothing(busy: Engine) -> None:
    paths = _paths(busy.root)
    holding = [path for path in paths if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert {"container.json", "output", "kept.txt", "new.txt", "more.txt"} <= {path.name for path in holding}
    with programs.skipping():
        assert _seen(users.another(), busy.root, paths) == []


def test_every_folder_and_record_has_the_mode_that_the_table_says(busy: Engine) -> None:
    drop = busy.user.uid == 0
    for rule in (*modes.FOLDERS, *modes.RECORDS):
        for path in [busy.root] if not rule.pattern else busy.root.glob(rule.pattern):
            about = path.lstat()
            wanted = modes.CLOSED if rule.mode == modes.PASSED and not drop else rule.mode
            assert stat.S_IMODE(about.st_mode) == wanted, path
            assert about.st_uid == busy.user.uid, path
            if rule.mode == modes.PASSED and drop:
                assert about.st_gid == choose().gid, path
    assert stat.S_IMODE(busy.socket.stat().st_mode) == 0o600


@pytest.mark.parametrize("windows", [users.ROOT], indirect=True)
def test_the_account_that_roots_boxes_run_as_reads_no_record_no_output_and_no_image(busy: Engine) -> None:
    account = choose()
    boxes = replace(users.ordinary(), uid=account.uid, gid=account.gid)
    seen = _seen(boxes, busy.root, _paths(busy.root))
    assert any("/upper/" in line for line in seen)  # what boxes write is the account's
    allowed = ("/box", "/layers/", "/_data")
    assert [line for line in seen if not any(part in line for part in allowed)] == []
