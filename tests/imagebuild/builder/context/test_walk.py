# SPDX-License-Identifier: Apache-2.0
"""A folder as a build context."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from imagebuild.builder.context.context import Context
from imagebuild.builder.context.statcache import StatCache
from imagebuild.builder.context.tree import Item, Sort
from imagebuild.builder.context.walk import FolderTree
from imagebuild.dockerfile.ignore import Ignore
from imagebuild.errors import ContextError


def fill(root: Path, *names: str) -> Path:
    """Files with their own name as content; a name that ends in / is a folder, ``a -> b`` a symlink."""
    for name in names:
        name, arrow, target = name.partition(" -> ")
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if arrow:
            path.symlink_to(target)
        elif name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_text(name)
    return root


def paths(context: Context) -> list[str]:
    return [item.path for item in context.walk()]


def test_a_folder_is_listed_by_name_with_sizes_times_and_targets(tmp_path: Path) -> None:
    fill(tmp_path, "b/x", "B", "a", "é", "link -> b/x", "empty/")
    os.utime(tmp_path / "a", ns=(0, 1_234_567_890_123_456_789))
    context = Context.from_folder(tmp_path)
    assert paths(context) == ["B", "a", "b", "b/x", "empty", "link", "é"]
    item = context.get("a")
    assert item is not None
    assert (item.sort, item.size, item.mtime_ns) == (Sort.FILE, 1, 1_234_567_890_123_456_789)
    link = context.get("link")
    assert link is not None and (link.sort, link.target) == (Sort.SYMLINK, "b/x")
    assert context.get("nothing") is None and context.get("a/b") is None and context.get("link/x") is None


def test_content_and_digest_come_on_demand(tmp_path: Path) -> None:
    context = Context.from_folder(fill(tmp_path, "d/a"))
    with context.open("d/a") as file:
        assert file.read() == b"d/a"
    assert context.digest("d/a") == "sha256:" + hashlib.sha256(b"d/a").hexdigest()
    assert context.location("d/a").read_bytes() == b"d/a"


def test_ignored_things_are_not_there_and_brought_back_ones_are(tmp_path: Path) -> None:
    fill(tmp_path, "a.log", "keep.log", "src/a.c", "src/a.o", "out/x/deep.txt", "out/x/other", "out/y/z", "Dockerfile",
         ".dockerignore")
    ignore = Ignore.parse(b"*.log\n!keep.log\n**/*.o\nout\n!out/x/deep.txt\nDockerfile\n.dockerignore\n")
    context = Context.from_folder(tmp_path, ignore)
    assert paths(context) == ["keep.log", "out", "out/x", "out/x/deep.txt", "src", "src/a.c"]
    assert context.get("a.log") is None and context.get("out/y") is None


def test_the_dockerfile_and_its_ignore_file_are_read_though_ignored(tmp_path: Path) -> None:
    fill(tmp_path, "Dockerfile", "sub/real", "link -> sub/real")
    (tmp_path / ".dockerignore").write_text("*\n")
    context = Context.from_folder(tmp_path)
    context = context.ignoring(context.ignore_of("Dockerfile"))
    assert paths(context) == []
    assert context.read("Dockerfile") == b"Dockerfile"
    assert context.read("./link") == b"sub/real"
    assert context.read(".dockerignore") == b"*\n"
    assert context.read("Other") is None
    (tmp_path / "Dockerfile.dockerignore").write_text("sub\n")
    again = Context.from_folder(tmp_path)
    assert paths(again.ignoring(again.ignore_of("Dockerfile"))) == \
        [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "link"]


def test_a_control_file_too_big_or_no_file_is_refused(tmp_path: Path) -> None:
    context = Context.from_folder(fill(tmp_path, "Dockerfile", "folder/"))
    with pytest.raises(ContextError, match="more than the 3 bytes"):
        context.read("Dockerfile", limit=3)
    with pytest.raises(ContextError, match="directory, not a file"):
        context.read("folder")


def test_a_context_that_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="no such folder"):
        Context.from_folder(tmp_path / "gone")
    with pytest.raises(ContextError, match="not a folder"):
        Context.from_folder(fill(tmp_path, "file") / "file")


def test_a_file_that_vanishes_says_so(tmp_path: Path) -> None:
    context = Context.from_folder(fill(tmp_path, "a"))
    assert paths(context) == ["a"]
    (tmp_path / "a").unlink()
    with pytest.raises(ContextError, match="vanished") as caught:
        context.digest("a")
    assert caught.value.facts["path"] == "a"


def test_a_file_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    context = Context.from_folder(fill(tmp_path, "a"))
    assert paths(context) == ["a"]
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("/etc/passwd")
    with pytest.raises(ContextError):
        context.open("a")


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = Context.from_folder(fill(tmp_path, "a"))
    digest = hashlib.file_digest

    def slow(file: Any, name: str) -> Any:
        (tmp_path / "a").write_text("longer")
        return digest(file, name)

    monkeypatch.setattr("hashlib.file_digest", slow)
    with pytest.raises(ContextError, match="changed while it was read"):
        context.digest("a")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    context = Context.from_folder(fill(tmp_path, "a", "d/x"))
    (tmp_path / "a").chmod(0)
    (tmp_path / "d").chmod(0)
    with pytest.raises(ContextError, match="cannot read a ") as caught:
        context.digest("a")
    assert ".dockerignore" in caught.value.hint
    with pytest.raises(ContextError, match="cannot read d "):
        paths(context)
    (tmp_path / "d").chmod(0o700)


def test_permission_and_other_errors_of_the_system_become_context_errors(tmp_path: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    context = Context.from_folder(fill(tmp_path, "a"))

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", denied)
    with pytest.raises(ContextError, match="Permission denied") as caught:
        context.children()
    assert ".dockerignore" in caught.value.hint


def test_special_files_are_seen_as_such(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # the path of a socket must be short
        try:
            server.bind("sock")
        finally:
            os.chdir(here)
    assert [(item.path, item.note) for item in Context.from_folder(tmp_path).walk()] == \
        [("pipe", "a named pipe"), ("sock", "a socket")]


def test_folders_nested_without_end_are_refused(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(258):
        deep = deep / "d"
        deep.mkdir()
    with pytest.raises(ContextError, match="more than 256 deep"):
        paths(Context.from_folder(tmp_path))


@pytest.mark.parametrize(("links", "path", "item", "passed"), [
    (["l -> d/f"], "l", "d/f", ["l"]),
    (["l -> d"], "l/f", "d/f", ["l"]),
    (["d/l -> ../d/f"], "d/l", "d/f", ["d/l"]),
    (["a -> b", "b -> ./d/"], "a/f", "d/f", ["a", "b"]),
    (["l -> gone"], "l", None, ["l"]),
    (["l -> d/f/x"], "l", None, ["l"]),
    (["l -> ."], "l/d/f", "d/f", ["l"]),
])
def test_links_are_followed_inside_the_context(tmp_path: Path, links: list[str], path: str, item: str | None,
                                               passed: list[str]) -> None:
    found, _, seen = Context.from_folder(fill(tmp_path, "d/f", *links)).resolve(path)
    assert (found.path if found else None, list(seen)) == (item, passed)


@pytest.mark.parametrize(("links", "said"), [
    (["l -> /etc/passwd"], "absolute"), (["l -> ../x"], "out of the build context"),
    (["d/l -> ../../x", "l -> d/l"], "out of the build context"), (["l -> l"], "circle: l → l"),
    (["l -> m", "m -> l"], "circle: l → m → l"), (["l -> C:/x"], "absolute"),
])
def test_links_that_lead_nowhere_good_are_refused_by_name(tmp_path: Path, links: list[str], said: str) -> None:
    with pytest.raises(ContextError, match=said):
        Context.from_folder(fill(tmp_path, "d/f", *links)).resolve("l")


def test_a_digest_computed_by_somebody_else_is_kept_unless_the_file_changed_since(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    os.utime(tmp_path / "f", (1, 1))
    later = time.time_ns() + 10**10
    cache = StatCache(now=lambda: later)
    tree = FolderTree(tmp_path, cache)
    (item,) = tree.list("").items()
    told = "sha256:" + "a1" * 32
    tree.learn(item, told)
    assert tree.digest("f") == told
    (tmp_path / "f").write_bytes(b"other")
    tree.learn(item, told)
    assert tree.digest("f") == "sha256:" + hashlib.sha256(b"other").hexdigest()
    tree.learn(Item("gone", Sort.FILE), "sha256:none")


def test_digests_of_a_folder_computed_by_somebody_else_are_kept_for_files_as_they_were_listed(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1, 1))
    later = time.time_ns() + 10**10
    tree = FolderTree(tmp_path, StatCache(now=lambda: later))
    listing = tree.list("")
    told = b"".join(bytes([number]) * 32 for number in range(3))
    tree.learn_all("", listing.names, listing.facts, told)
    assert tree.digests("", listing.names, listing.facts) == told
    assert tree.digest("b") == "sha256:" + "01" * 32
    (tmp_path / "b").write_bytes(b"other")
    now = tree.list("")
    other = hashlib.sha256(b"other").digest()
    assert tree.digests("", now.names, now.facts) == told[:32] + other + told[64:]
    assert tree.digests("", ["c"], now.facts[8:]) == told[64:]


def test_times_too_far_for_a_column_and_files_that_vanish_are_looked_at_alone(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("far", "gone", "near", "own"):
        (tmp_path / name).write_bytes(b"x")
    scan = os.scandir

    class Odd:
        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.name, self.path, self._entry = entry.name, entry.path, entry

        def stat(self, *, follow_symlinks: bool) -> Any:
            found = self._entry.stat(follow_symlinks=follow_symlinks)
            if self.name == "gone":
                raise FileNotFoundError(2, "gone")
            if self.name == "far":
                return SimpleNamespace(st_mode=found.st_mode, st_size=1, st_mtime_ns=1 << 63, st_ctime_ns=0, st_ino=1)
            return found

    @contextlib.contextmanager
    def odd(path: Path) -> Iterator[Any]:
        with scan(path) as found:
            yield [Odd(entry) for entry in found]

    monkeypatch.setattr("imagebuild.builder.context.walk.os.scandir", odd)
    listing = FolderTree(tmp_path).list("")
    assert (listing.names, list(listing.others)) == (["near", "own"], ["far"])
    assert len(listing.facts) == 8
    assert [item.name for item in listing.items()] == ["far", "near", "own"]
