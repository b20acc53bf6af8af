# SPDX-License-Identifier: Apache-2.0
"""Clones of repositories made on the spot."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from imagebuild.errors import FetchError, IntegrityError, ToolError, UnsupportedError
from imagebuild.fetch import GitSource, NetworkFetcher, fetch_git

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is missing (Debian package git)")
ENV = os.environ | {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b", "GIT_AUTHOR_DATE": "@1000000000 +0000",
    "GIT_COMMITTER_DATE": "@1000000000 +0000",
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-c", "protocol.file.allow=always", *arguments], cwd=folder, env=ENV, check=True,
                          capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits on main, a tag on the first, a branch, a folder, CRLF content and a hook that must not run."""
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    (work / "docs").mkdir()
    (work / "docs" / "a.txt").write_bytes(b"one\r\n")
    (work / ".gitattributes").write_text("*.lfs filter=evil\n")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "one")
    git(work, "tag", "-a", "v1", "-m", "v1")
    (work / "docs" / "a.txt").write_bytes(b"two\n")
    git(work, "commit", "-q", "-a", "-m", "two")
    git(work, "branch", "side", "HEAD~1")
    git(tmp_path, "clone", "-q", "--bare", "work", "x.git")
    return tmp_path / "x.git"


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Path]:
    """Where checkouts go; empty again when the test is over."""
    folder = tmp_path / "spool"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


def clone(repository: Path, spool: Path, fragment: str = "", **more: Any) -> Any:
    return fetch_git(f"file://{repository}{fragment}", folder=spool, protocols=("file",), **more)


@pytest.mark.parametrize(("fragment", "content"), [
    ("", b"two\n"), ("#main", b"two\n"), ("#v1", b"one\r\n"), ("#side", b"one\r\n"), ("#refs/tags/v1", b"one\r\n"),
    ("?branch=side", b"one\r\n"), ("?tag=v1", b"one\r\n"),
])
def test_each_way_to_name_a_commit_gives_its_files(repository: Path, spool: Path, fragment: str,
                                                   content: bytes) -> None:
    with clone(repository, spool, fragment) as got:
        assert (got.path / "docs" / "a.txt").read_bytes() == content
        assert sorted(path.name for path in got.path.iterdir()) == [".gitattributes", "docs"]
        assert got.committed == 1000000000


def test_a_commit_is_named_by_its_hash(repository: Path, spool: Path) -> None:
    old = git(repository, "rev-parse", "main~1")
    with clone(repository, spool, f"#{old}:docs") as got:
        assert got.commit == old
        assert [path.name for path in got.path.iterdir()] == ["a.txt"]


def test_the_git_folder_stays_when_asked_for(repository: Path, spool: Path) -> None:
    with clone(repository, spool, keep_git_dir=True) as got:
        assert (got.path / ".git" / "HEAD").exists()
        assert not (got.path / ".git" / "hooks").exists()


@pytest.mark.parametrize("digits", [40, 7])
def test_a_checksum_holds_the_commit(repository: Path, spool: Path, digits: int) -> None:
    head = git(repository, "rev-parse", "main")
    clone(repository, spool, checksum=head[:digits]).close()
    clone(repository, spool, "#v1", checksum=git(repository, "rev-parse", "v1")).close()
    with pytest.raises(IntegrityError) as caught:
        clone(repository, spool, "#v1", checksum=head[:digits])
    assert caught.value.facts["expected"] == head[:digits]
    with pytest.raises(IntegrityError):
        clone(repository, spool, checksum=head[:4])


def test_a_repository_or_branch_that_is_not_there_is_named(repository: Path, spool: Path) -> None:
    with pytest.raises(FetchError, match=r"x\.git#nowhere.*nowhere"):
        clone(repository, spool, "#nowhere")
    with pytest.raises(FetchError, match=r"gone\.git"):
        clone(repository.with_name("gone.git"), spool)
    with pytest.raises(FetchError, match="no folder 'nodocs'"):
        clone(repository, spool, "#main:nodocs")


def test_a_subdirectory_that_is_a_link_to_the_outside_is_refused(repository: Path, spool: Path) -> None:
    work = repository.with_name("work")
    (work / "out").symlink_to("/etc")
    git(work, "add", "out")
    git(work, "commit", "-q", "-m", "three")
    git(work, "push", "-q", str(repository), "main")
    with pytest.raises(FetchError, match="no folder 'out'"):
        clone(repository, spool, "#main:out")


def test_configuration_and_variables_of_the_user_change_nothing(repository: Path, spool: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f"[core]\nautocrlf = true\nhooksPath = {home}\n[url \"/x\"]\ninsteadOf = file://\n")
    (home / "post-checkout").write_text(f"#!/bin/sh\ntouch {home}/ran\n")
    (home / "post-checkout").chmod(0o755)
    environ = ENV | {"HOME": str(home), "GIT_DIR": "/x", "GIT_CONFIG_GLOBAL": str(home / ".gitconfig")}
    with clone(repository, spool, environ=environ) as got:
        assert (got.path / "docs" / "a.txt").read_bytes() == b"two\n"
    assert not (home / "ran").exists()


def test_submodules_come_along_unless_refused(repository: Path, spool: Path, tmp_path: Path) -> None:
    work = tmp_path / "outer"
    git(tmp_path, "init", "-q", "-b", "main", "outer")
    git(work, "submodule", "-q", "add", f"file://{repository}", "inner")
    git(work, "commit", "-q", "-m", "outer")
    with clone(work, spool) as got:
        assert (got.path / "inner" / "docs" / "a.txt").exists()
        assert not list(got.path.rglob(".git"))
    with clone(work, spool, "?submodules=0") as got:
        assert list((got.path / "inner").iterdir()) == []


def test_a_missing_git_is_named_with_its_package(spool: Path) -> None:
    with pytest.raises(ToolError, match="missing") as caught:
        fetch_git("https://h/x.git", folder=spool, program="git-that-is-not-there")
    assert "Debian package git" in caught.value.hint


def test_only_allowed_protocols_are_spoken(repository: Path, spool: Path) -> None:
    with pytest.raises(UnsupportedError, match="file://"):
        NetworkFetcher(folder=spool).git(f"file://{repository}")
    # even when the check of the text is got around, git itself refuses
    with pytest.raises(FetchError, match="not allowed"):
        fetch_git(GitSource(f"file://{repository}"), folder=spool, protocols=("https",))


def test_git_that_does_not_end_is_ended(spool: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nsleep 60 & wait\n")
    slow.chmod(0o755)
    with pytest.raises(FetchError, match=r"within 0\.2 seconds"):
        fetch_git("https://h/x.git", folder=spool, program=str(slow), timeout=0.2)


@pytest.fixture
def served(repository: Path) -> Iterator[tuple[str, list[str]]]:
    """The repository over "dumb" HTTP, which knows nothing shallow; with the Authorization headers it saw."""
    git(repository, "update-server-info")
    seen: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            if self.path.startswith("/private"):
                self.send_error(403)
            else:
                super().do_GET()

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(repository.parent)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_server_that_knows_nothing_shallow_is_cloned_whole(served: Any, repository: Path, spool: Path) -> None:
    host, _ = served
    old = git(repository, "rev-parse", "main~1")
    for fragment, content in (("", b"two\n"), ("#v1", b"one\r\n"), (f"#{old}", b"one\r\n")):
        with fetch_git(f"http://{host}/x.git{fragment}", folder=spool) as got:
            assert (got.path / "docs" / "a.txt").read_bytes() == content


def test_a_password_travels_in_a_header_and_nowhere_else(served: Any, spool: Path) -> None:
    host, seen = served
    with fetch_git(f"http://me:secret@{host}/x.git", folder=spool, keep_git_dir=True) as got:
        assert seen[0] == "Basic bWU6c2VjcmV0"
        assert got.url == f"http://{host}/x.git"
        assert all(b"secret" not in path.read_bytes() for path in got.root.rglob("*") if path.is_file())
    with pytest.raises(FetchError) as caught:
        fetch_git(f"http://me:secret@{host}/private.git", folder=spool)
    assert "secret" not in "\n".join(caught.value.lines())
    seen.clear()
    fetch_git(f"http://{host}/x.git", folder=spool, token="secret").close()
    assert seen[0] == "Basic eC1hY2Nlc3MtdG9rZW46c2VjcmV0"


CLONE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from imagebuild.fetch import fetch_git
fetch_git(sys.argv[2], folder=Path(sys.argv[3]), protocols=("http",))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_git_and_its_helpers_end_with_the_process_that_cloned_however_that_ends(tmp_path: Path, number: int) -> None:
    """They wait for a server that says nothing."""
    library = Path(__file__).parents[3]
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(20)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.git"
        child = subprocess.Popen([sys.executable, "-c", CLONE, library, url, tmp_path])
        try:
            asked, _ = server.accept()
            with asked:
                before = _naming(url, child.pid)
                assert {"git", "git-remote-http"} <= {name.removesuffix("s") for name in before.values()}, before
                child.send_signal(number)
                assert child.wait(20) == -number
                end = time.monotonic() + 20
                while (left := _naming(url, child.pid)) and time.monotonic() < end:
                    time.sleep(0.02)
                assert not left
        finally:
            child.kill()
            child.wait()


def _naming(text: str, but: int) -> dict[int, str]:
    """The processes, but for one, whose arguments name something: the guard's do, too."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (place / "cmdline").read_bytes().split(b"\0") and place.name != str(but):
                found[int(place.name)] = (place / "comm").read_text().strip()
    return found
