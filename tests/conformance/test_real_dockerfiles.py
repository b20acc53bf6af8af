# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles as real projects publish them build, on stand-ins of the bases they name.

The Dockerfiles are public files that are not ours to distribute: they are read from the folder ``dockerfiles`` of
``WCOW_SHARED`` (or ``../shared``) where that exists. Their contexts are made up.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import programs
from support.linux_images import linux_image
from support.workbench import LTSC2022, NANOSERVER, Tree, Workbench, fill

from imagebuild import oci
from imagebuild.builder import Built
from imagebuild.errors import ContextError, DockerfileError, WcowError
from imagebuild.oci import Platform, RunConfig
from imagebuild.windows.filetime import DOS_EPOCH
from imagebuild.wiring import open_library

SHARED = Path(os.environ.get("WCOW_SHARED") or Path(__file__).parents[2].parent / "shared") / "dockerfiles"
CORE_CACHE = "gcr.io/k8s-staging-e2e-test-images/windows-servercore-cache:1.0-linux-amd64-ltsc2022"
HOSTPROCESS = "mcr.microsoft.com/oss/kubernetes/windows-host-process-containers-base-image:v1.0.0"
SERVERCORE = "mcr.microsoft.com/windows/servercore:ltsc2022"
NATS = "nats:2.12.15-windowsservercore-ltsc2022"

# What NTFS gives a new file of an administrator, worked out by hand from the folder's ACL: inheritable entries in
# their order, generic rights mapped, and CREATOR OWNER become the owner (who has that very entry already).
IN_ROOT = "O:BAG:SYD:AI(A;ID;FA;;;BA)(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)"
IN_SYSTEM32 = ("O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)(A;ID;0x1200a9;;;AC)"
               "(A;ID;0x1200a9;;;S-1-15-2-2)")

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no Dockerfiles at {SHARED} (set WCOW_SHARED)")


def context(folder: Path, project: str, tree: Tree) -> Path:
    """A made-up context with a project's real Dockerfile in it."""
    folder.mkdir()
    return fill(folder, {"Dockerfile": (SHARED / project / "Dockerfile").read_bytes(), **tree})


def new_layer(bench: Workbench, built: Built) -> dict[str, str]:
    """The files of the last layer: layer path to security descriptor."""
    last = len(built.image.layers) - 1
    return {item.path: item.sddl() for item in bench.files(built, layer=last).find("Files", recursive=True)
            if item.entry.kind.value == "file"}


def run_of(built: Built) -> RunConfig:
    return built.image.config.run


def test_hello_world_copies_to_the_drive_and_starts_cmd(bench: Workbench, tmp_path: Path) -> None:
    bench.base("nanoserver", NANOSERVER)
    built = bench.build(context(tmp_path / "c", "hello-world", {"hello.txt": "Hello from Docker!\n"}))
    assert new_layer(bench, built) == {"Files/hello.txt": IN_ROOT}
    assert bench.read(built, r"C:\hello.txt") == b"Hello from Docker!\n"
    run = run_of(built)
    assert (run.cmd, run.entrypoint, run.args_escaped) == (("cmd", "/C", r"type C:\hello.txt"), None, False)
    assert run.user == "ContainerUser", "what the base says stays"
    assert (built.image.config.os_version, len(built.image.layers)) == (LTSC2022, 2)


def test_azuredisk_csi_takes_a_dll_out_of_an_image_that_says_linux(bench: Workbench, tmp_path: Path) -> None:
    bench.base("nanoserver", NANOSERVER)
    with open_library(bench.settings) as library:
        linux_image(library.local, CORE_CACHE, {"Windows/System32/netapi32.dll": b"MZ netapi32",
                                                "Windows/System32/other.dll": b"MZ other"})
    tree = {"_output/amd64/azurediskplugin.exe": b"MZ plugin", "_output/arm64/azurediskplugin.exe": b"MZ arm"}
    built = bench.build(context(tmp_path / "c", "azuredisk-csi", tree), build_args=(("OSVERSION", "ltsc2022"),))
    image = built.image
    assert len(image.layers) == 3
    assert new_layer(bench, built) == {"Files/azurediskplugin.exe": IN_ROOT}
    files = bench.files(built, layer=1)
    dll = files.get("Files/Windows/System32/netapi32.dll")
    assert dll.sddl() == IN_SYSTEM32
    base = bench.files(built, layer=0).get("Files/Windows/System32")
    assert files.get("Files/Windows/System32").entry == base.entry, "the folder is as the base has it"
    assert bench.read(built, r"C:\windows\system32\NETAPI32.DLL") == b"MZ netapi32"
    assert bench.read(built, r"C:\azurediskplugin.exe") == b"MZ plugin"
    with pytest.raises(WcowError):
        bench.files(built).get(r"C:\Windows\System32\other.dll")
    run = run_of(built)
    assert (run.user, run.entrypoint) == ("ContainerAdministrator", ("/azurediskplugin.exe",))
    assert dict(run.labels)["description"] == "CSI Azure disk plugin"
    assert run.cmd is None, "an ENTRYPOINT of one's own ends the base's CMD"


def test_windows_exporter_copies_by_pattern_onto_a_hostprocess_base(bench: Workbench, tmp_path: Path) -> None:
    bench.base("hostprocess", HOSTPROCESS, os_version="")
    folder = context(tmp_path / "c", "windows_exporter", {"windows_exporter-0.31.3-amd64.exe": b"MZ exporter"})
    built = bench.build(folder)
    assert new_layer(bench, built) == {"Files/windows_exporter.exe": IN_ROOT}
    assert bench.read(built, "/windows_exporter.exe") == b"MZ exporter"
    run = run_of(built)
    assert (run.entrypoint, run.args_escaped) == (("windows_exporter.exe",), False)
    assert built.image.config.os_version == "", "a HostProcess base runs on every Windows"

    (folder / "windows_exporter-0.31.4-amd64.exe").write_bytes(b"MZ other")
    with pytest.raises(ContextError, match="2 files to"):
        bench.build(folder)


def test_nats_reads_doubled_backslashes_and_copies_from_an_external_image(bench: Workbench, tmp_path: Path) -> None:
    bench.base("nanoserver", NANOSERVER)
    bench.base("servercore", SERVERCORE)
    bench.build({"Dockerfile": f"FROM {SERVERCORE}\nCOPY server.exe C:/nats-server.exe\n", "server.exe": b"MZ nats"},
                tag=NATS)
    built = bench.build(context(tmp_path / "c", "nats-nanoserver", {"nats-server.conf": "port: 4222\n"}))
    assert bench.read(built, r"C:\nats-server.exe") == b"MZ nats"
    assert bench.read(built, r"C:\nats-server.conf") == b"port: 4222\n"
    assert [set(new) for new in ({i.path for i in bench.files(built, layer=n).find("Files")} for n in (1, 2))] == [
        {"Files/nats-server.exe"}, {"Files/nats-server.conf"}]
    run = run_of(built)
    assert run.env == ("NATS_DOCKERIZED=1",)
    assert run.exposed_ports == ("4222/tcp", "6222/tcp", "8222/tcp")
    assert (run.entrypoint, run.cmd) == ((r"C:\nats-server.exe",), ("--config", "nats-server.conf"))


def test_pause_needs_its_base_named_and_replaces_files_of_system32(bench: Workbench, tmp_path: Path) -> None:
    bench.base("nanoserver", NANOSERVER)
    folder = context(tmp_path / "c", "pause", {
        "bin/pause-windows-amd64.exe": b"MZ pause", "bin/wincat-windows-amd64": b"MZ wincat",
        "windows/pause.c": "int x;"})
    with pytest.raises(DockerfileError, match=r"Dockerfile:\d+: FROM") as refused:
        bench.build(folder)
    assert "--build-arg BASE" in refused.value.hint

    built = bench.build(folder, build_args=(("BASE", NANOSERVER), ("ARCH", "amd64")))
    assert bench.read(built, r"C:\pause.exe") == b"MZ pause"
    for number, name in ((2, "wincat.exe"), (3, "diagtrack.dll")):
        item = bench.files(built, layer=number).get(f"Files/Windows/System32/{name}")
        assert (item.sddl(), item.letters) == (IN_SYSTEM32, "A")
        assert item.entry.times is not None and item.entry.times.modified == DOS_EPOCH
    run = run_of(built)
    assert run.env == (r"PATH=C:\Windows\system32;C:\Windows;",)
    assert (run.entrypoint, run.cmd) == (("/pause.exe",), None)


@pytest.mark.slow
def test_bases_come_from_a_local_registry_under_their_real_names(registry: programs.Registry, tmp_path: Path) -> None:
    """Air-gapped: every name is asked of the mirror, and of nobody else."""
    maker = Workbench(tmp_path / "maker")
    maker.base("nanoserver", f"{registry.host}/mirrored/windows/nanoserver:ltsc2022", push=True)
    with open_library(maker.settings) as library:
        linux_image(library.local, "docker.io/library/core:1", {"Windows/System32/netapi32.dll": b"MZ netapi32"})
    gcr = CORE_CACHE.partition("/")[2]
    maker.copy("core:1", f"docker://{registry.host}/gcr/{gcr}")

    bench = Workbench(tmp_path / "bench", air_gapped=True,
                      mirrors=(f"mcr.microsoft.com={registry.host}/mirrored", f"gcr.io={registry.host}/gcr"))
    built = bench.build(context(tmp_path / "c", "azuredisk-csi", {"_output/amd64/azurediskplugin.exe": b"MZ plugin"}),
                        build_args=(("OSVERSION", "ltsc2022"),))
    assert bench.read(built, r"C:\Windows\System32\netapi32.dll") == b"MZ netapi32"
    assert bench.find(CORE_CACHE, Platform("linux", "amd64")).image.config.os == "linux"
    notes = dict(built.image.manifest.annotations)
    assert notes[oci.BASE_NAME] == "mcr.microsoft.com/windows/nanoserver:ltsc2022"
    with pytest.raises(WcowError):
        bench.find("quay.io/some/image:1")
