# SPDX-License-Identifier: Apache-2.0
"""``docker cp`` as its manual has it, by the real command, of containers that run and of those that do not.

Rules: docker/cli ``docs/reference/commandline/container_cp.md`` and ``cli/command/container/cp.go``; what the engine's
side of them is, moby ``daemon/archive_windows.go`` and ``pkg/archive/copy.go``.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import programs
from support.engine import IMAGE, Docker, Engine

pytestmark = pytest.mark.slow

Tree = dict[str, bytes | str | None]
"""What is below a folder, by path: a file's content, a link's target after ``->``, ``None`` for a folder."""
SOURCE: Tree = {"file": b"new", "dir": None, "dir/one": b"1", "dir/sub": None, "dir/sub/two": b"2", "link": "->dir",
                "flink": "->file"}
TARGET: Tree = {"file": b"old", "dir": None, "dir/kept": b"kept", "ldir": "->dir", "lfile": "->file",
                "lnone": "->later", "odd": None, "odd/file": None, "odd/dir": b"a file"}
FOLDER: Tree = {"": None, "/one": b"1", "/sub": None, "/sub/two": b"2"}
"""What ``dir`` of the source is, below whatever name it gets."""
SLEEP = ("cmd", "/c", "ping -n 900 127.0.0.1 > nul")


@dataclass(frozen=True, slots=True)
class Rule:
    """``docker cp OPTIONS SOURCE TARGET``: what is new at the target, or a word of the refusal (one for each direction
    where the command finds one out and the engine the other)."""

    source: str
    target: str
    new: Tree = field(default_factory=dict)
    refused: str | tuple[str, str] = ""
    options: tuple[str, ...] = ()


def at(name: str) -> Tree:
    """The source's ``dir`` under this name."""
    return {name + path: content for path, content in FOLDER.items()}


RULES = (
    Rule("file", "new", {"new": b"new"}),
    Rule("file", "new/", refused="no such directory"),
    Rule("file", "file", {"file": b"new"}),
    Rule("file", "dir", {"dir/file": b"new"}),
    Rule("file", "dir/", {"dir/file": b"new"}),
    Rule("file", "dir/.", {"dir/file": b"new"}),
    Rule("file", "gone/new", refused=("Could not find the file", "does not exist")),
    Rule("file/", "dir", refused="not a directory"),
    Rule("nothing", "dir", refused=("no such file or directory", "Could not find the file")),
    Rule("dir", "new", at("new")),
    Rule("dir", "new/", at("new")),
    Rule("dir/", "new", at("new")),
    Rule("dir/.", "new", at("new")),
    Rule("dir", "file", refused="cannot copy directory"),
    Rule("dir", "dir", at("dir/dir")),
    Rule("dir/", "dir/", at("dir/dir")),
    Rule("dir/.", "dir", {"dir/one": b"1", "dir/sub": None, "dir/sub/two": b"2"}),
    Rule("dir/sub/..", "new", at("new")),
    Rule("dir", "gone/new", refused=("Could not find the file", "does not exist")),
    Rule("file", "odd", refused="cannot overwrite directory"),
    Rule("dir", "odd", refused="cannot overwrite non-directory"),
    Rule("link", "dir", {"dir/link": "->dir"}),
    Rule("link", "dir", at("dir/link"), options=("-L",)),
    Rule("link", "new", at("new"), options=("-L",)),
    Rule("flink", "new", {"new": "->file"}),
    Rule("flink", "dir", {"dir/flink": b"new"}, options=("-L",)),
    Rule("flink", "new", {"new": b"new"}, options=("-L",)),
    Rule("link/", "dir", at("dir/link")),
    Rule("link/.", "new", at("new")),
    Rule("link/one", "new", {"new": b"1"}),
    Rule("file", "ldir", {"dir/file": b"new"}),
    Rule("dir", "ldir", at("dir/dir")),
    Rule("file", "lfile", {"file": b"new"}),
    Rule("file", "lnone", {"later": b"new"}),
    Rule("file", "new", {"new": b"new"}, options=("-a",)),
)


def write(folder: Path, tree: Tree) -> None:
    """Make a tree on this machine, that the account that the engine's user has may change."""
    folder.mkdir()
    folder.chmod(0o777)
    for path, content in tree.items():
        place = folder / path
        if content is None:
            place.mkdir()
            place.chmod(0o777)
        elif isinstance(content, str):
            place.symlink_to(content[2:])
        else:
            place.write_bytes(content)


def read(folder: Path) -> Tree:
    """A tree of this machine."""
    return {str(path.relative_to(folder)): "->" + os.readlink(path) if path.is_symlink() else  # noqa: PTH115
            None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


def taken(tar: bytes, *, below: str) -> Tree:
    """A tree in an archive."""
    out: Tree = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        for member in opened:
            content = opened.extractfile(member) if member.isreg() else None
            if member.name != below:
                out[member.name.removeprefix(f"{below}/")] = content.read() if content is not None else \
                    f"->{member.linkname}" if member.issym() else None
    return out


def packed(windows: Engine, place: str) -> bytes:
    """What ``docker cp PLACE -`` writes."""
    done = subprocess.run([programs.find("docker"), "cp", place, "-"], env={**os.environ, **windows.env},
                          capture_output=True, timeout=120, check=True)
    return done.stdout


@pytest.fixture(params=["running", "stopped"])
def container(request: pytest.FixtureRequest, docker: Docker) -> Iterator[str]:
    """A container that runs, or that has run."""
    name = f"c-{uuid.uuid4().hex[:8]}"
    docker("run", "-d", "--name", name, IMAGE, *SLEEP)
    if request.param == "stopped":
        docker("kill", name)
        docker("wait", name)
    yield name
    docker("rm", "-f", name)


def refusal(windows: Engine, rule: Rule, source: str, target: str) -> str:
    """What ``docker cp`` says when it fails; empty when it does not."""
    done = windows.docker("cp", *rule.options, source, target, ok=False)
    return done.stderr if done.returncode else ""


def wrong(rule: Rule, into: bool, said: str, found: Tree) -> str:
    """What is not as the rule has it; empty: all is."""
    refused = rule.refused if isinstance(rule.refused, str) else rule.refused[0 if into else 1]
    wanted = {**TARGET, **rule.new}
    if bool(refused) != bool(said) or refused not in said:
        return f"{rule}: said {said!r}"
    return "" if found == wanted else f"{rule}: {set(found.items()) ^ set(wanted.items())}"


def test_the_rules_of_the_manual_into_a_container(windows: Engine, docker: Docker, container: str,
                                                  tmp_path: Path) -> None:
    write(tmp_path / "source", SOURCE)
    (tmp_path / "rules").mkdir()
    for number in range(len(RULES)):
        write(tmp_path / "rules" / str(number), TARGET)
    docker("cp", tmp_path / "rules", f"{container}:/")
    said = [refusal(windows, rule, f"{tmp_path}/source/{rule.source}", f"{container}:/rules/{number}/{rule.target}")
            for number, rule in enumerate(RULES)]
    found = taken(packed(windows, f"{container}:/rules"), below="rules")
    bad = [wrong(rule, True, said[number], {
        path.removeprefix(f"{number}/"): content for path, content in found.items() if path.startswith(f"{number}/")})
        for number, rule in enumerate(RULES)]
    assert not any(bad), "\n".join(filter(None, bad))


def test_the_rules_of_the_manual_out_of_a_container(windows: Engine, docker: Docker, container: str,
                                                    tmp_path: Path) -> None:
    write(tmp_path / "source", SOURCE)
    docker("cp", tmp_path / "source", f"{container}:/")
    bad = []
    for number, rule in enumerate(RULES):
        write(tmp_path / str(number), TARGET)
        said = refusal(windows, rule, f"{container}:/source/{rule.source}", f"{tmp_path}/{number}/{rule.target}")
        bad.append(wrong(rule, False, said, read(tmp_path / str(number))))
    assert not any(bad), "\n".join(filter(None, bad))
