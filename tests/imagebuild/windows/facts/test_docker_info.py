# SPDX-License-Identifier: Apache-2.0
"""What an engine says of its machine, as every version of it said it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.windows.facts import docker_info as dockerinfo
from imagebuild.windows.facts.docker_info import BuildLab, SystemString
from imagebuild.windows.facts.host import EngineFacts, HostFacts, WindowsVersion

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.sampled_from(
    ["windows", "10.0 20348 (20348.1.amd64fre.fe_release.210507-1500)", "Microsoft Windows (OS Build 10240)"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=5)
FIELDS = st.dictionaries(st.sampled_from(
    ["OSType", "OSVersion", "OperatingSystem", "KernelVersion", "Driver", "DriverStatus", "ServerVersion", "Name",
     "Isolation", "Architecture", "Server", "Client", "ApiVersion", "Os", "Arch", "Version"]), VALUES)

KERNEL = "10.0 20348 (20348.1.amd64fre.fe_release.210507-1500)"
INFO: dict[str, Any] = {
    "ServerVersion": "28.5.1", "OSType": "windows", "OSVersion": "10.0.20348", "Architecture": "x86_64", "Name": "srv",
    "OperatingSystem": "Microsoft Windows Server Version 21H2 (OS Build 20348.169)", "KernelVersion": KERNEL,
    "Driver": "windowsfilter", "DriverStatus": [["Windows", ""]], "Isolation": "process",
}
VERSION: dict[str, Any] = {"Client": {"Version": "29.0.0"}, "Server": {
    "Version": "28.5.1", "ApiVersion": "1.51", "MinAPIVersion": "1.24", "Os": "windows", "Arch": "amd64",
    "KernelVersion": KERNEL}}


@given(FIELDS, st.none() | FIELDS)
def test_any_answer_gives_a_host(info: dict[str, Any], version: dict[str, Any] | None) -> None:
    assert isinstance(dockerinfo.host_of(info, version), HostFacts)


@given(st.text(max_size=60))
def test_any_string_is_read_or_is_none(text: str) -> None:
    for read in (dockerinfo.parse_kernel, dockerinfo.parse_build_lab, dockerinfo.parse_operating_system):
        read(text)


@given(st.integers(0, 99999), st.integers(0, 99999), st.integers(0, 9999))
def test_a_kernel_string_keeps_build_and_core_apart(build: int, core: int, number: int) -> None:
    found = dockerinfo.parse_kernel(f"10.0 {build} ({core}.{number}.amd64fre.vb_release.191206-1406)")
    assert found == (WindowsVersion(10, 0, build), BuildLab(core, number, "amd64", "vb_release"))


def test_only_digits_of_ascii_make_a_number() -> None:
    """Engines write no others; int() would read ``\N{FULLWIDTH DIGIT TWO}`` as 2."""
    wide = KERNEL.replace("2", "\N{FULLWIDTH DIGIT TWO}")
    assert dockerinfo.parse_kernel(wide) is None
    assert dockerinfo.parse_build_lab("\N{FULLWIDTH DIGIT TWO}0348.1.amd64fre.fe_release.210507-1500") is None
    assert dockerinfo.host_of({"OSType": "windows", "OSVersion": "10.0.\N{FULLWIDTH DIGIT TWO}0348"}).version is None
    assert dockerinfo.parse_operating_system("Windows (OS Build \N{FULLWIDTH DIGIT TWO}0348)") == SystemString(
        "", "", None, None)


@pytest.mark.parametrize(("text", "lab"), [
    ("9200.16384.x86fre.win8_rtm.120725-1247", BuildLab(9200, 16384, "386", "win8_rtm")),
    ("26100.1.arm64chk", BuildLab(26100, 1, "arm64", "")), ("26100.1.", None), ("amd64fre", None),
])
def test_a_build_lab_may_end_after_its_architecture(text: str, lab: BuildLab | None) -> None:
    assert dockerinfo.parse_build_lab(text) == lab


@pytest.mark.parametrize(("text", "name"), [("x86_64", "amd64"), (" AArch64 ", "arm64"), (" RISCV64 ", "riscv64")])
def test_an_architecture_has_its_name_of_go_or_its_own_in_small_letters(text: str, name: str) -> None:
    assert dockerinfo.go_architecture(text) == name


def test_a_whole_answer_gives_all_facts() -> None:
    host = dockerinfo.host_of(INFO, VERSION)
    assert host.version == WindowsVersion(10, 0, 20348, 169)
    assert (host.core, host.product, host.os) == (20348, "server", "windows")
    assert (host.architecture, host.name) == ("amd64", "srv")
    engine = host.engine
    assert engine is not None
    assert (engine.kind, engine.version, engine.os, engine.store) == ("docker", "28.5.1", "windows", "graphdriver")
    assert (engine.isolation, engine.api, engine.min_api, engine.name) == ("process", "1.51", "1.24", "srv")
    assert host.source == "docker info"


@pytest.mark.parametrize("version", [VERSION, VERSION["Server"]])
def test_docker_version_alone_has_no_revision_and_no_store(version: dict[str, Any]) -> None:
    host = dockerinfo.host_of({}, version)
    assert (host.version, host.core, host.architecture) == (WindowsVersion(10, 0, 20348), 20348, "amd64")
    assert host.engine is not None
    assert (host.engine.version, host.engine.store, host.source) == ("28.5.1", "", "docker version")
    assert (host.engine.os, host.product) == ("windows", "")


def test_docker_info_alone_knows_the_engine_but_not_its_api() -> None:
    engine = EngineFacts("docker", "28.5.1", "windows", "graphdriver", "process", name="srv")
    assert dockerinfo.engine_of(INFO) == engine


@pytest.mark.parametrize("beside", [{}, {"Version": "29.0.0", "Os": "windows"}])
def test_a_client_whose_engine_did_not_answer_knows_no_host(beside: dict[str, Any]) -> None:
    host = dockerinfo.host_of({}, {"Client": {"Version": "29.0.0", "Os": "windows"}, "Server": None, **beside})
    assert (host.version, host.os) == (None, "")
    assert host.engine is not None
    assert host.engine.version == ""


@pytest.mark.parametrize(("driver", "status", "store"), [
    ("windowsfilter", [["Windows", ""]], "graphdriver"), ("windowsfilter", None, "graphdriver"),
    ("windows", [["driver-type", "io.containerd.snapshotter.v1"]], "containerd"), ("windows", None, "containerd"),
    ("overlay2", [["Backing Filesystem", "extfs"]], "graphdriver"), ("fuse-overlayfs", [], "graphdriver"),
    ("overlayfs", [["driver-type", "io.containerd.snapshotter.v1"]], "containerd"),
    ("fuse-overlayfs", [["driver-type", "io.containerd.snapshotter.v1"]], "containerd"),
    ("moon", None, ""), (None, 1, ""),
    ("windowsfilter", [["driver-type", "other"]], ""),
])
def test_the_store_is_read_from_the_status_before_the_name(driver: Any, status: Any, store: str) -> None:
    assert dockerinfo.store_of({"Driver": driver, "DriverStatus": status}) == store


@pytest.mark.parametrize(("text", "said"), [
    ("Windows 10 Pro Version 2009 (OS Build 19042.804)", SystemString("client", "2009", 19042, 804)),
    ("Microsoft Windows (OS Build 10240)", SystemString("client", "", 10240, None)),
    ("Windows Server 2016 Standard", SystemString("server", "", None, None)),
    ("Windows 10 Pro", SystemString("", "", None, None)),
    ("Docker Desktop", None), ("Boot2Docker 19.03.12 (TCL 10.1)", None), ("Ubuntu 24.04.1 LTS", None),
])
def test_the_operating_system_string_is_taken_apart(text: str, said: SystemString | None) -> None:
    assert dockerinfo.parse_operating_system(text) == said


@pytest.mark.parametrize(("info", "version"), [
    ({**INFO, "KernelVersion": ""}, "10.0.20348.169"),
    ({**INFO, "KernelVersion": "", "OSVersion": ""}, "10.0.20348.169"),
    ({**INFO, "OperatingSystem": "Windows Server 2022"}, "10.0.20348"),
    ({**INFO, "OperatingSystem": "Microsoft Windows (OS Build 17763.1)"}, "10.0.20348"),
    ({**INFO, "KernelVersion": "", "OperatingSystem": ""}, "10.0.20348"),
    ({**INFO, "KernelVersion": "", "OperatingSystem": "", "OSVersion": "x"}, None),
])
def test_the_version_comes_from_whichever_answer_has_it(info: dict[str, Any], version: str | None) -> None:
    found = dockerinfo.host_of(info).version
    assert (str(found) if found else None) == version


def test_a_linux_engine_is_a_linux_host() -> None:
    host = dockerinfo.host_of({"OSType": "linux", "OperatingSystem": "Docker Desktop", "Architecture": "aarch64",
                               "KernelVersion": "6.6.87.2-microsoft-standard-WSL2", "Driver": "overlayfs",
                               "Name": "docker-desktop"})
    engine = EngineFacts("docker", os="linux", store="containerd", name="docker-desktop")
    assert host == HostFacts(
        os="linux", architecture="arm64", engine=engine, name="docker-desktop", source="docker info")


def test_an_old_windows_engine_without_ostype_is_known_by_its_kernel() -> None:
    host = dockerinfo.host_of({"KernelVersion": "10.0 14393 (14393.447.amd64fre.rs1_release_inmarket.161102-0100)"})
    assert (host.os, host.version, host.core) == ("windows", WindowsVersion(10, 0, 14393), 14393)
