# SPDX-License-Identifier: Apache-2.0
"""``docker cp`` as its manual has it, by the real command, of containers that run and of those that do not.

Rules: docker/cli ``docs/reference/commandline/container_cp.md`` and ``cli/command/container/cp.go``; what the engine's
side of them is, moby ``daemon/archive_windows.go`` and ``pkg/archive/copy.go``.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import subprocess
import tarfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support import layers, programs, sandboxes
from support.engine import IMAGE, Docker, Engine, until

pytestmark = pytest.mark.slow

Tree = dict[str, bytes | str | None]
"""What is below a folder, by path: a file's content, a link's target after ``->``, ``None`` for a folder."""
SOURCE: Tree = {"file": b"new", "dir": None, "dir/one": b"1", "dir/sub": None, "dir/sub/two": b"2", "link": "->dir",
                "flink": "->file"}
TARGET: Tree = {"file": b"old", "dir": None, "dir/kept": b"kept", "ldir": "->dir", "lfile": "->file",
                "lnone": "->later", "odd": None, "odd/file": None, "odd/dir": b"a file"}
FOLDER: Tree = {"": None, "/one": b"1", "/sub": None, "/sub/two": b"2"}
"""What ``dir`` of the source is, below whatever name it gets."""
PROBE = Path(__file__).parents[1] / "imagebuild" / "runtime" / "probe.c"
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


# --- tars, names, mounts

def test_a_tar_comes_from_stdin_and_goes_to_stdout(windows: Engine, docker: Docker, container: str) -> None:
    docker("cp", "-", f"{container}:/app", stdin=layers.tar(("x/y", {"data": b"y"}), ("x", {"type": b"5"})))
    assert taken(packed(windows, f"{container}:/app/x"), below="x") == {"y": b"y"}
    assert taken(packed(windows, f"{container}:/app/x/."), below=".") == {"y": b"y"}
    assert taken(packed(windows, f"{container}:/app/x/y"), below="") == {"y": b"y"}
    refused = windows.docker("cp", "-", f"{container}:/app/hello.txt", stdin=layers.tar(), ok=False)
    assert "must be a directory" in refused.stderr
    refused = windows.docker("cp", "-", f"{container}:/app", stdin=b"no tar" * 200, ok=False)
    assert "cannot read the archive" in refused.stderr


def test_names_are_found_in_any_case_and_put_over_what_differs_in_case_alone(
        windows: Engine, docker: Docker, container: str, tmp_path: Path) -> None:
    docker("cp", f"{container}:/APP/Hello.TXT", tmp_path / "new")
    assert (tmp_path / "new").read_bytes() == b"hello from the image\r\n"
    docker("cp", f"{container}:c:/APP", tmp_path / "folder")
    assert (tmp_path / "folder" / "hello.txt").read_bytes() == b"hello from the image\r\n"
    docker("cp", "-", f"{container}:/", stdin=layers.tar(
        ("Made/A.txt", {"data": b"1"}), ("MADE/a.TXT", {"data": b"2"}), ("made/B", {"data": b"3"})))
    assert taken(packed(windows, f"{container}:/mADE"), below="mADE") == {"A.txt": b"2", "B": b"3"}
    (tmp_path / "in").write_bytes(b"in")
    docker("cp", tmp_path / "in", rf"{container}:C:\app\renamed.txt")
    docker("cp", tmp_path / "in", f"{container}:C:/at-the-root.txt")
    assert taken(packed(windows, f"{container}:C:/at-the-root.txt"), below="") == {"at-the-root.txt": b"in"}
    assert taken(packed(windows, f"{container}:/app/renamed.txt"), below="") == {"renamed.txt": b"in"}


def test_what_is_refused_says_why(windows: Engine, docker: Docker, container: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"in")
    for words, said in (
            ((f"{container}:/none", tmp_path), f"Could not find the file /none in container {container}"),
            ((f"{container}:/app/hello.txt/", tmp_path), "not a directory"),
            ((f"{container}:D:/x", tmp_path), "the specified path is not on the system drive (C:)"),
            ((tmp_path / "in", f"{container}:D:/x/y"), "the specified path is not on the system drive (C:)"),
            ((tmp_path / "in", f"{container}:/none/in"), f"Could not find the file /none in container {container}"),
            ((tmp_path / "in", f"{container}:/app/hello.txt/in"), "extraction point is not a directory"),
            (("nobody:/x", tmp_path), "No such container: nobody")):
        assert said in windows.refused("cp", *words)


def test_a_copy_goes_into_a_mount_of_a_container_that_runs_and_beneath_it_else(
        windows: Engine, docker: Docker, name: str, tmp_path: Path) -> None:
    folder = windows.fresh()
    (tmp_path / "in").write_bytes(b"in")
    docker("create", "--name", name, "--mount", rf"type=bind,source={folder},target=C:\data", IMAGE, *SLEEP)
    docker("start", name)
    docker("cp", tmp_path / "in", f"{name}:/data/running")
    assert (folder / "running").read_bytes() == b"in"
    assert taken(packed(windows, f"{name}:/data"), below="data") == {"running": b"in"}
    docker("kill", name)
    docker("wait", name)
    docker("cp", tmp_path / "in", f"{name}:/data/stopped")
    assert [path.name for path in folder.iterdir()] == ["running"]
    assert taken(packed(windows, f"{name}:/data"), below="data") == {"stopped": b"in"}
    assert "C Files/data/stopped" in docker("diff", name).splitlines()
    docker("rm", name)


def test_a_copy_is_seen_by_programs_in_a_diff_and_in_a_commit_and_told_as_an_event(
        windows: Engine, docker: Docker, container: str, tmp_path: Path) -> None:
    write(tmp_path / "source", SOURCE)
    docker("cp", tmp_path / "source", f"{container}:/copied")
    docker("cp", tmp_path / "source" / "file", f"{container}:/app/hello.txt")
    if docker("inspect", "-f", "{{.State.Running}}", container) == "true":
        assert docker("exec", container, "cmd", "/c", r"type C:\app\hello.txt & type C:\copied\link\one") == "new1"
        docker("kill", container)
        docker("wait", container)
    assert set(docker("diff", container).splitlines()) >= {
        "C Files/app/hello.txt", "C Files/copied", "C Files/copied/dir/sub/two", "C Files/copied/link"}
    made = f"copied-{container}:1"
    docker("commit", container, made)
    assert docker("run", "--rm", made, "cmd", "/c", r"type C:\app\hello.txt & type C:\copied\link\sub\two") == "new2"
    soon = str(int(time.time()) + 1)  # docker sends whole seconds: "0s" would leave out what was in this one
    told = docker("events", "--since", "10m", "--until", soon, "--filter", f"container={container}",
                  "--format", "{{.Action}}").splitlines()
    assert told.count("extract-to-dir") == 2
    docker("rmi", made)


# --- much, and at the wrong moment

FILES, BYTES = 5_000, 200_000_000


def big(folder: Path) -> dict[str, str]:
    """A big tree with deep names and some that are not ASCII: the digest of each file by its path."""
    dice, digests, sizes = random.Random(14), {}, []
    sizes = [dice.randrange(1, 20_000) for _ in range(FILES - 10)]
    sizes += [(BYTES - sum(sizes)) // 10] * 10
    block = dice.randbytes(1 << 20)
    for number, size in enumerate(sizes):
        parts = [f"folder {number % 17}", *(f"deep-{depth}" for depth in range(number % 12)),
                 ("größe", "файл", "文件", "a" * 120, "plain.txt")[number % 5] + str(number)]
        place = folder.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        content = number.to_bytes(4) + block * (size >> 20) + block[:size & 0xFFFFF]
        place.write_bytes(content)
        digests["/".join(parts)] = hashlib.sha256(content).hexdigest()
    return digests


def digests_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}


def test_a_big_tree_goes_both_ways_whole(windows: Engine, docker: Docker, container: str, tmp_path: Path) -> None:
    wanted = big(tmp_path / "big")
    windows.docker("cp", tmp_path / "big", f"{container}:/", timeout=300)
    windows.docker("cp", f"{container}:/BIG", tmp_path / "back", timeout=300)
    assert digests_of(tmp_path / "back") == wanted
    shutil.rmtree(tmp_path / "big")
    shutil.rmtree(tmp_path / "back")


def test_a_folder_that_changes_while_it_is_read_is_a_whole_tar(windows: Engine, docker: Docker, name: str) -> None:
    line = (r"mkdir C:\t & for /l %i in (1,1,100000) do @(echo %i>> C:\t\grows & echo %i> C:\t\%i & del C:\t\%i "
            r"& mkdir C:\t\d%i & rmdir C:\t\d%i)")
    docker("run", "-d", "--name", name, IMAGE, "cmd", "/c", line)
    until(lambda: windows.docker("exec", name, "cmd", "/c", r"type C:\t\grows", ok=False).stdout.count("\n") > 5)
    for _ in range(20):
        found = taken(packed(windows, f"{name}:/t"), below="t")
        grown = found["grows"]
        assert isinstance(grown, bytes)
        assert b"\0" not in grown
        assert grown.startswith(b"1 \r\n2 \r\n3 ")
    docker("rm", "-f", name)


@pytest.mark.parametrize("end", ["kill", "rm -f"])
def test_a_copy_out_of_a_container_that_is_ended_meanwhile_fails_and_hangs_nothing(
        windows: Engine, docker: Docker, name: str, tmp_path: Path, end: str) -> None:
    (tmp_path / "big").write_bytes(os.urandom(1 << 20) * 40)
    docker("run", "-d", "--name", name, IMAGE, *SLEEP)
    docker("cp", tmp_path / "big", f"{name}:/")
    with subprocess.Popen([programs.find("docker"), "cp", f"{name}:/big", "-"], env={**os.environ, **windows.env},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as copying:
        assert copying.stdout is not None
        copying.stdout.read(1 << 20)
        docker(*end.split(), name)
        rest, said = copying.communicate(timeout=30)
    assert copying.returncode, "the whole file came, and nothing was tried"
    assert b"EOF" in said
    assert len(rest) < 40 << 20
    if end == "kill":
        assert len(packed(windows, f"{name}:/big")) > 40 << 20
        docker("rm", name)


def test_a_copy_into_a_container_that_just_ended_waits_for_its_end(windows: Engine, docker: Docker, name: str,
                                                                   tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"in")
    docker("create", "--name", name, IMAGE)
    for number in range(10):
        docker("start", name)
        for _ in range(3):
            docker("cp", tmp_path / "in", f"{name}:/app/in{number}")
        docker("wait", name)
    assert sum(path.startswith("app/in") for path in taken(packed(windows, f"{name}:/app"), below="")) == 10
    docker("rm", name)


def test_a_container_that_races_wins_nothing(windows: Engine, docker: Docker, name: str, tmp_path: Path) -> None:
    secret = windows.fresh()
    (secret / "file").write_bytes(b"secret of the host")
    program = sandboxes.compile_program(PROBE)
    docker("run", "-d", "--name", name, IMAGE, *SLEEP)
    docker("cp", "-", f"{name}:/", stdin=layers.tar(
        ("race/a/file", {"data": b"the container's"}), ("probe.exe", {"data": program.read_bytes()})))
    docker("exec", name, r"C:\probe.exe", "call", "88", f"@{secret}", "@/prefix/drive_c/race/b")
    docker("exec", "-d", name, r"C:\probe.exe", "exchange", "/prefix/drive_c/race/a", "/prefix/drive_c/race/b")
    (tmp_path / "file").write_bytes(b"put")
    done = 0
    for _ in range(25):
        out = windows.docker("cp", f"{name}:/race/a/file", "-", ok=False)
        assert "secret" not in out.stdout
        done += not out.returncode
        done += not windows.docker("cp", tmp_path / "file", f"{name}:/race/a", ok=False).returncode
        done += not windows.docker("cp", "-", f"{name}:/race", stdin=layers.tar(
            ("a/planted", {"data": b"put"})), ok=False).returncode
    assert done > 0
    assert {path.name: path.read_bytes() for path in secret.iterdir()} == {"file": b"secret of the host"}
    docker("rm", "-f", name)
