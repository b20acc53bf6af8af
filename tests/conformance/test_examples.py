# SPDX-License-Identifier: Apache-2.0
"""The examples build as their READMEs say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from support.registries import opened
from support.workbench import NANOSERVER, Workbench

from imagebuild.builder.request import pairs
from imagebuild.events import result_of
from imagebuild.hive import REG_MULTI_SZ, Value
from imagebuild.hive.places import HIVES
from imagebuild.images.hives.read import Registry
from imagebuild.images.inspect.rootfs import IndexCache, Rootfs
from imagebuild.layer import Kind
from imagebuild.stores import LayoutStore

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def options(example: str, flag: str) -> tuple[str, ...]:
    """The values of a flag in the README's command."""
    text = (EXAMPLES / example / "README.md").read_text()
    command = re.search(r"^    (wcow build (?:.*\\\n)*.*)", text, re.MULTILINE)
    assert command is not None
    words = shlex.split(command[1])
    return tuple(after for word, after in pairwise(words) if word == flag)


def test_the_hostprocess_example_is_one_base_layer_with_its_file(bench: Workbench) -> None:
    built = bench.build(EXAMPLES / "hostprocess")
    assert (len(built.image.layers), built.image.config.os_version) == (1, "")
    found = {item.path for item in bench.files(built).find(recursive=True) if item.entry.kind is Kind.FILE}
    hives = {rf"C:\Windows\System32\config\{name}" for name in ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")}
    assert found == {r"C:\node-setup.cmd", *hives}
    assert built.image.config.run.entrypoint == ("cmd", "/c", r"%CONTAINER_SANDBOX_MOUNT_POINT%\node-setup.cmd")


def test_the_app_example_has_its_links_and_its_acl(bench: Workbench) -> None:
    bench.base("nanoserver", NANOSERVER)
    built = bench.build(EXAMPLES / "app", acls=pairs(options("app", "--acl"), "--acl"),
                        junctions=pairs(options("app", "--junction"), "--junction"))
    files = bench.files(built)
    latest, current = files.get(r"C:\app\site\latest"), files.get(r"C:\app\current")
    assert (latest.entry.kind, latest.entry.target) == (Kind.DIRECTORY_SYMLINK, "v2")
    assert (current.entry.kind, current.entry.target) == (Kind.JUNCTION, r"C:\app\site\v2")
    assert bench.read(built, r"C:\app\current\index.html") == bench.read(built, r"C:\app\site\latest\index.html")
    assert files.get(r"C:\data").words()[2] == (
        r"allow User Manager\ContainerUser: modify, this folder, subfolders and files")
    run = built.image.config.run
    assert (run.working_dir, run.user, run.env) == (r"C:\app", "ContainerUser", (r"APP_DATA=C:\data",))


@pytest.mark.slow
def test_the_pause_example_makes_the_registry_of_the_kubernetes_pause_image(tmp_path: Path) -> None:
    def run(name: str) -> tuple[str, Path]:
        work = tmp_path / name
        work.mkdir()
        environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TMPDIR": str(work),
                       "HOME": str(work), "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PAUSE_KEEP": "1"}
        done = subprocess.run([EXAMPLES / "pause/run"], env=environment, cwd="/", capture_output=True, text=True,
                              timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout, next(work.glob("wcow-pause.*"))

    if not Path(sys.executable).with_name("wcow").exists():
        pytest.skip("the command wcow is not installed beside this Python (pip install -e .)")
    out, work = run("one")
    assert r"- HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\DiagTrack" in out
    assert "pause-base:1: nothing found" in out
    store = LayoutStore(work / "store")
    try:
        tag = "docker.io/library/pause-base:1"
        rootfs = Rootfs(opened(store, tag), store, IndexCache(tmp_path / "indexes"), name="pause")
        registry = Registry(rootfs)
        rpc, ole, gone, services = (result_of(registry.find(path)) for path in (
            r"HKLM\SOFTWARE\Microsoft\Rpc", r"HKLM\SOFTWARE\Microsoft\Ole",
            r"HKLM\SYSTEM\CurrentControlSet\Services\DiagTrack", r"HKLM\SYSTEM\ControlSet001\Services"))
        # microsoft/windows-pause-image-base, binaries/keylight.reg and Dockerfile.
        assert rpc is not None and set(rpc.values) == {
            Value("DCOM Protocols", REG_MULTI_SZ, b"\0\0"), Value.dword("UuidSequenceNumber", 0x01bcf674),
            Value.sz("EpMapDisallowedProtocols", "ncacn_ip_tcp")}
        assert ole is not None and set(ole.values) == {Value.sz("EnableDCOM", "N")}
        assert gone is None and services is not None
        # CimFS merges a delta with the one of the layer directly below: none may stand above a layer that lacks it.
        for hive in HIVES.values():
            layers = registry.layers_with(hive)
            assert layers == list(range(1, len(layers) + 1)), hive
        rootfs.close()
        digest = store.resolve(tag).digest
    finally:
        store.close()
    assert f"Done: {digest}" in out
    again, _ = run("two")
    assert out.splitlines()[-1].startswith("kept: ") and again.splitlines()[:-1] == out.splitlines()[:-1]
