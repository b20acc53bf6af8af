# SPDX-License-Identifier: Apache-2.0
"""What crane, BuildKit and buildah do wrong in a layer for Windows is found, and nothing is in ours."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from support import programs
from support.workbench import NANOSERVER, Workbench, fill

from imagebuild import lint

pytestmark = pytest.mark.slow

TREE = {"src/hello.txt": "hello\n", "src/bin/tool.exe": b"MZ"}


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path / "bench")


@pytest.fixture
def base(bench: Workbench, registry: programs.Registry) -> str:
    name = f"{registry.host}/windows/nanoserver:ltsc2022"
    bench.base("nanoserver", name, push=True)
    return name


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Files, a hard link, symlinks to a file and to a folder, an empty folder."""
    folder = fill(tmp_path / "context", TREE)
    (folder / "src/link.txt").symlink_to("hello.txt")
    (folder / "src/dir").symlink_to("bin")
    os.link(folder / "src/hello.txt", folder / "src/same.txt")
    (folder / "src/empty").mkdir()
    return folder


def rules(bench: Workbench, name: str, *, layer: int | None = None) -> dict[str, lint.Severity]:
    """The rules that an image breaks, above its base."""
    found = bench.find(name)
    return {finding.rule: finding.severity for finding in lint.image(found.image, found.store)
            if layer is None or finding.layer == layer}


def test_crane_leaves_targets_of_links_as_they_are(
        bench: Workbench, base: str, context: Path, registry: programs.Registry, crane: Path, tmp_path: Path) -> None:
    programs.run("tar", "-cf", tmp_path / "layer.tar", "-C", context, "src")
    name = f"{registry.host}/crane/lint:1"
    programs.run(crane, "append", "--insecure", "-b", base, "-f", tmp_path / "layer.tar", "-t", name)
    found = rules(bench, f"docker://{name}", layer=1)
    assert found["hard-link-unprefixed"] is lint.Severity.ERROR
    assert {"times-missing", "security-without-dacl", "symlink-to-folder"} <= set(found)
    assert not rules(bench, f"docker://{name}", layer=0)


def test_a_tar_with_a_root_entry_that_crane_took_has_a_name_twice(
        bench: Workbench, base: str, context: Path, registry: programs.Registry, crane: Path, tmp_path: Path) -> None:
    programs.run("tar", "-cf", tmp_path / "layer.tar", "-C", context, ".")
    name = f"{registry.host}/crane/dot:1"
    programs.run(crane, "append", "--insecure", "-b", base, "-f", tmp_path / "layer.tar", "-t", name)
    assert "duplicate-entry" in rules(bench, f"docker://{name}", layer=1)


def test_buildkit_breaks_symlinks(
        bench: Workbench, base: str, context: Path, dockerd: programs.Daemon, registry: programs.Registry) -> None:
    with programs.skipping():
        programs.buildx()
    (context / "Dockerfile").write_text(
        f"FROM {base}\nCOPY src C:/app/\nCOPY src/hello.txt C:/Windows/System32/x.txt\n")
    name = f"{registry.host}/buildkit/lint:1"
    dockerd.docker("buildx", "build", "--platform", "windows/amd64", "--provenance=false", "--tag", name, context)
    dockerd.docker("push", name)
    found = rules(bench, f"docker://{name}")
    assert found["symlink-files-prefix"] is lint.Severity.ERROR
    assert {"times-missing", "base-folder-changed"} <= set(found)


def test_buildah_of_debian_writes_no_layer_of_windows(
        bench: Workbench, context: Path, registry: programs.Registry, tmp_path: Path) -> None:
    with programs.skipping():
        buildah = programs.buildah(tmp_path / "buildah")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY src /app/\n")
    name = f"{registry.host}/buildah/lint:1"
    programs.run(*buildah, "build", "--isolation=chroot", "--platform", "windows/amd64", "--tag", name, context)
    (tmp_path / "auth.json").write_text("{}")
    programs.run(*buildah, "push", "--authfile", tmp_path / "auth.json", "--tls-verify=false", name, f"docker://{name}")
    found = rules(bench, f"docker://{name}")
    assert found["base-hive-missing"] is lint.Severity.ERROR
    assert "missing-files" in found or "parent-missing" in found


def test_ours_has_nothing(bench: Workbench, context: Path) -> None:
    bench.base("nanoserver", NANOSERVER)
    (context / "Dockerfile").write_text(
        f"FROM {NANOSERVER}\nCOPY src C:/app/\nCOPY src/hello.txt C:/Windows/System32/x.txt\n")
    tree = {path.relative_to(context).as_posix(): path.read_bytes() for path in context.rglob("*")
            if path.is_file() and not path.is_symlink()}
    built = bench.build(tree, tag="ours:1")
    assert list(lint.image(built.image, bench.find("ours:1").store)) == []
    assert list(lint.layer(io.BytesIO(b""), importers=("engine",))) == []
