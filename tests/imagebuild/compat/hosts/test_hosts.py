# SPDX-License-Identifier: Apache-2.0
"""Hosts from what people type and from the JSON of other people's programs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.machines import L0, MACHINES, SAMPLES, SERVER_2022

from imagebuild.compat.hosts import hosts
from imagebuild.errors import FormatError
from imagebuild.windows import machine_json
from imagebuild.windows.facts import docker_info as dockerinfo
from imagebuild.windows.facts.host import HostFacts, WindowsVersion
from imagebuild.windows.facts.machine import Feature, HypervisorFacts, MachineFacts

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[5] / "shared"))
VECTORS = SHARED / "research/compat-vectors.json"

NAMES = ["schema", "kind", "items", "metadata", "labels", "status", "nodeInfo", "OSType", "DockerRootDir", "Server",
         "Client", "ApiVersion", "ansible_facts", "ansible_os_family", "ansible_kernel", "system", "CurrentBuildNumber",
         "UBR", "BuildLabEx", "ProductType", "Version", "node.kubernetes.io/windows-build", "kubernetes.io/os", "host",
         "KernelVersion", "OperatingSystem", "kernelVersion", "containerRuntimeVersion"]
WORDS = ["wcow.machine/1", "Node", "List", "windows", "Windows", "Win32NT", "10.0.20348", "20348", "10.0.20348.2340",
         "10.0 20348 (20348.1.amd64fre.fe_release.210507-1500)", "containerd://1.7.20"]
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(WORDS)
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=6), max_leaves=12)


@given(DOCUMENTS)
def test_any_json_is_a_host_or_a_format_error(document: Any) -> None:
    try:
        found = hosts.detect(document)
    except FormatError as error:
        assert error.why
    else:
        assert found.hosts
        assert all(isinstance(host, HostFacts) for host in found.hosts)


@given(st.dictionaries(st.sampled_from(NAMES), DOCUMENTS))
def test_every_reader_takes_any_object(values: dict[str, Any]) -> None:
    for host in (hosts.from_docker(values, values), hosts.from_ansible(values), hosts.from_node(values, values),
                 hosts.from_registry(values), hosts.from_cim(values, values)):
        assert isinstance(host, HostFacts)


@given(st.text(max_size=40))
def test_any_text_is_a_host_or_a_format_error_with_a_hint(text: str) -> None:
    try:
        assert hosts.from_text(text).version is not None
    except FormatError as error:
        assert error.hint


@given(st.integers(10240, 99999), st.none() | st.integers(0, 99999))
def test_every_build_is_a_host_whether_a_table_has_it_or_not(build: int, revision: int | None) -> None:
    tail = "" if revision is None else f".{revision}"
    for text in (f"10.0.{build}{tail}", f" {build}{tail} "):
        assert hosts.from_text(text).version == WindowsVersion(10, 0, build, revision)


@given(MACHINES)
def test_every_machine_has_a_host(facts: MachineFacts) -> None:
    assert isinstance(hosts.from_machine(facts), HostFacts)
    assert hosts.detect(machine_json.to_document(facts)).machine == facts


def vectors() -> list[dict[str, Any]]:
    if not VECTORS.is_file():
        return []
    groups = json.loads(VECTORS.read_text(encoding="utf-8"))["groups"]
    return [vector for group in groups if group["id"] == "host-strings" for vector in group["vectors"]]


@pytest.mark.skipif(not VECTORS.is_file(), reason="compat-vectors.json is not here (WCOW_SHARED)")
@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["string"])
def test_a_published_host_string_gives_its_published_facts(vector: dict[str, Any]) -> None:
    if vector["field"] == "OperatingSystem":
        said = dockerinfo.parse_operating_system(vector["string"])
        assert said is not None
        assert (said.product == "server", said.display or None) == (vector["server"], vector["display_version"])
        assert (said.build, said.revision) == (vector["build"], vector["ubr"])
        return
    kernel = dockerinfo.parse_kernel(vector["string"])
    assert kernel is not None
    version, lab = kernel
    assert lab is not None
    assert (version.build, lab.core, lab.number) == (vector["build"], vector["core_build"], vector["buildlab_revision"])
    assert (lab.architecture, lab.branch) == (vector["buildlab_arch"], vector["branch"])
    host = hosts.from_docker({"OSType": "windows", "KernelVersion": vector["string"],
                              "OperatingSystem": vector.get("operating_system", ""),
                              "Isolation": vector.get("default_isolation", "")})
    assert host.version == WindowsVersion(10, 0, vector["build"], vector.get("ubr"))
    assert host.core == vector["core_build"]
    assert host.engine is not None
    assert host.engine.isolation == vector.get("default_isolation", "")


@pytest.mark.parametrize(("text", "version", "core", "product"), [
    ("10.0.26200.7171", "10.0.26200.7171", 26100, "client"), ("ltsc2022", "10.0.20348", 20348, "server"),
    ("Windows 11 25H2", "10.0.26200", 26100, "client"), ("20348", "10.0.20348", 20348, "server"),
    ("26100", "10.0.26100", 26100, ""), ("10.0.29999", "10.0.29999", None, ""), ("6.3.9600", "6.3.9600", None, ""),
    ("20348.2527", "10.0.20348.2527", 20348, "server"),
])
def test_a_typed_host_is_known_as_its_build_says(text: str, version: str, core: int | None, product: str) -> None:
    host = hosts.from_text(text)
    assert (str(host.version), host.core, host.product) == (version, core, product)
    assert (host.name, host.source) == (text, "typed")


def test_a_name_of_two_releases_says_which() -> None:
    with pytest.raises(FormatError, match=r"Windows 10, version 22H2 \(19045\) or Windows 11, version 22H2 \(22621\)"):
        hosts.from_text("22H2")


@pytest.mark.parametrize("text", ["", "9600", "10.0", "windows", "10.0.20348.1.2",
                                  "\N{FULLWIDTH DIGIT TWO}0348", "x" * 999])
def test_what_is_no_windows_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="cannot read"):
        hosts.from_text(text)


ANSIBLE = {"ansible_facts": {
    "ansible_os_family": "Windows", "ansible_system": "Win32NT", "ansible_kernel": "10.0.20348.0",
    "ansible_hostname": "SRV",
    "ansible_distribution": "Microsoft Windows Server 2022 Datacenter", "ansible_distribution_version": "10.0.20348.0",
    "ansible_os_product_type": "server", "ansible_os_installation_type": "Server Core",
    "ansible_architecture": "64-Bit", "ansible_architecture2": "x86_64"}, "changed": False}


def test_ansible_knows_the_build_and_no_revision() -> None:
    host = hosts.from_ansible(ANSIBLE)
    assert (host.version, host.product, host.architecture) == (WindowsVersion(10, 0, 20348), "server", "amd64")
    assert (host.name, host.os, host.core, host.source) == ("SRV", "windows", 20348, "ansible facts")


def test_ansible_facts_are_read_without_their_prefix_and_in_any_language() -> None:
    inner = {name.removeprefix("ansible_"): value for name, value in ANSIBLE["ansible_facts"].items()}  # type: ignore[attr-defined]
    assert hosts.from_ansible(inner) == hosts.from_ansible(ANSIBLE)
    plain = hosts.from_ansible({"ansible_os_family": "Windows", "ansible_architecture": "64 bits",
                                "ansible_os_product_type": "workstation",
                                "ansible_distribution_version": "10.0.26200.0"})
    assert (plain.architecture, plain.product, plain.version) == ("", "client", WindowsVersion(10, 0, 26200))


def test_a_linux_machine_of_ansible_is_no_windows_host() -> None:
    host = hosts.from_ansible({"ansible_facts": {"ansible_os_family": "Debian", "ansible_system": "Linux",
                                                 "ansible_kernel": "6.1.0-28-amd64", "ansible_architecture": "x86_64"}})
    assert (host.os, host.version, host.architecture) == ("linux", None, "amd64")


NODE = {"kind": "Node", "metadata": {"name": "win1", "labels": {
    "kubernetes.io/os": "windows", "kubernetes.io/arch": "amd64", "node.kubernetes.io/windows-build": "10.0.20348",
    "kubernetes.io/hostname": "win1"}},
    "status": {"nodeInfo": {"kernelVersion": "10.0.20348.2340", "containerRuntimeVersion": "containerd://1.7.20",
                            "operatingSystem": "windows", "architecture": "amd64",
                            "osImage": "Windows Server 2022 Datacenter"}}}
LINUX_NODE = {"kind": "Node", "metadata": {"name": "lin1", "labels": {"kubernetes.io/os": "linux"}}, "status": {}}


def test_a_node_has_its_revision_in_the_kernel_version_only() -> None:
    labels: dict[str, Any] = NODE["metadata"]["labels"]  # type: ignore[index]
    host = hosts.from_node(labels)
    assert (host.version, host.product, host.architecture) == (WindowsVersion(10, 0, 20348), "server", "amd64")
    assert (host.engine, host.name) == (None, "win1")
    host = hosts.from_node(labels, NODE["status"]["nodeInfo"])  # type: ignore[index]
    assert host.version == WindowsVersion(10, 0, 20348, 2340)
    assert host.engine is not None
    assert (host.engine.kind, host.engine.version, host.engine.store) == ("containerd", "1.7.20", "containerd")


def test_a_label_wins_over_a_kernel_of_another_build() -> None:
    host = hosts.from_node({"node.kubernetes.io/windows-build": "10.0.20348"}, {"kernelVersion": "10.0.17763.1"})
    assert (host.version, host.os) == (WindowsVersion(10, 0, 20348), "windows")


REGISTRY = {"CurrentBuildNumber": "26200", "CurrentBuild": "26200", "UBR": 7171, "CurrentMajorVersionNumber": 10,
            "CurrentMinorVersionNumber": 0, "CurrentVersion": "6.3", "ProductName": "Windows 10 Pro",
            "BuildLabEx": "26100.1.arm64fre.ge_release.240331-1435", "EditionID": "Professional",
            "InstallationType": "Client", "ReleaseId": "2009", "DisplayVersion": "25H2"}


def test_the_registry_knows_everything_and_its_traps_are_left_alone() -> None:
    host = hosts.from_registry(REGISTRY)
    assert host.version == WindowsVersion(10, 0, 26200, 7171)
    assert (host.core, host.product, host.architecture, host.edition) == (26100, "client", "arm64", "Professional")


@pytest.mark.parametrize(("values", "version"), [
    ({"CurrentBuildNumber": "9600", "CurrentVersion": "6.3"}, None), ({"CurrentBuild": "14393"}, "10.0.14393"),
    ({**REGISTRY, "UBR": None}, "10.0.26200"), ({**REGISTRY, "UBR": "7171"}, "10.0.26200.7171"), ({}, None),
    ({**REGISTRY, "UBR": True}, "10.0.26200"),
])
def test_the_registry_of_an_old_or_odd_windows(values: dict[str, Any], version: str | None) -> None:
    found = hosts.from_registry(values).version
    assert (str(found) if found else None) == version


def test_cim_has_no_revision_and_the_registry_adds_it() -> None:
    system = {"Version": "10.0.26200", "BuildNumber": "26200", "ProductType": 1, "CSName": "DEV",
              "OSArchitecture": "64-bit", "Caption": "Microsoft Windows 11 Pro"}
    host = hosts.from_cim(system)
    assert host.version == WindowsVersion(10, 0, 26200)
    assert (host.product, host.name, host.architecture) == ("client", "DEV", "")
    host = hosts.from_cim(system, REGISTRY)
    assert (host.version, host.edition) == (WindowsVersion(10, 0, 26200, 7171), "Professional")
    assert (host.core, host.architecture) == (26100, "arm64")
    assert hosts.from_cim({"OSArchitecture": "ARM 64-bit Processor"}).architecture == "arm64"
    assert hosts.from_cim({"ProductType": 2}).product == hosts.from_cim({"ProductType": 3}).product == "server"


def hypervised(state: str, below: HypervisorFacts) -> bool | None:
    return hosts.from_machine(MachineFacts(
        features=(Feature("Microsoft-Hyper-V", state),), hypervisor=below)).hyperv  # type: ignore[arg-type]


def test_hyperv_runs_when_the_feature_is_on_and_its_own_hypervisor_runs() -> None:
    assert hypervised("enabled", HypervisorFacts(present=True, is_vm=False)) is True
    assert hypervised("enabled", HypervisorFacts(present=False, is_vm=False)) is False
    # Of a guest the flag says nothing: it is true below anybody's hypervisor.
    assert hypervised("enabled", HypervisorFacts(present=True, is_vm=True)) is None
    assert hypervised("enabled", HypervisorFacts(present=True, is_vm=True, launched=True)) is True
    assert hypervised("disabled", HypervisorFacts(present=True, is_vm=False)) is False
    assert hypervised("unknown", HypervisorFacts(present=True, is_vm=False)) is None


def test_what_a_machine_says_itself_wins_over_its_features() -> None:
    assert hosts.from_machine(L0).hyperv is True
    assert hosts.from_machine(SERVER_2022) == SERVER_2022.host


@pytest.mark.parametrize(("document", "kind", "count"), [
    (NODE, "node", 1), ({"kind": "List", "items": [NODE, LINUX_NODE, {"kind": "Pod"}]}, "nodes", 2),
    (NODE["metadata"]["labels"], "node", 1), (ANSIBLE, "ansible", 1),  # type: ignore[index]
    (ANSIBLE["ansible_facts"], "ansible", 1), (REGISTRY, "registry", 1),
    ({"OSType": "windows", "KernelVersion": "10.0 20348 (20348.1.amd64fre.fe_release.210507-1500)"}, "docker-info", 1),
    ({"Client": {}, "Server": {"Os": "windows"}}, "docker-version", 1),
    ({"Client": {}, "Server": None}, "docker-version", 1),
    ({"Version": "29.0", "ApiVersion": "1.52", "Os": "linux"}, "docker-version", 1),
    ({"Version": "10.0.20348", "ProductType": 3}, "cim", 1), ([{"Version": "10.0.20348", "ProductType": 3}], "cim", 1),
    (machine_json.to_document(SERVER_2022), "machine", 1),
])
def test_a_document_is_recognised(document: Any, kind: str, count: int) -> None:
    found = hosts.detect(document)
    assert (found.kind, len(found.hosts)) == (kind, count)


def test_nodes_keep_their_names_and_systems() -> None:
    found = hosts.detect({"kind": "List", "items": [NODE, LINUX_NODE]})
    assert [(host.name, host.os) for host in found.hosts] == [("win1", "windows"), ("lin1", "linux")]


@pytest.mark.parametrize("document", [None, 1, "x", [], {}, [1, 2], {"kind": "Pod"}, {"kind": "List", "items": [1]}])
def test_a_document_of_something_else_is_refused_with_what_is_known(document: Any) -> None:
    with pytest.raises(FormatError, match="cannot tell what host") as caught:
        hosts.detect(document)
    assert "docker info" in caught.value.hint


def test_facts_of_a_later_form_are_refused_as_ours() -> None:
    with pytest.raises(FormatError, match=r"wcow\.machine/1 is known here"):
        hosts.detect({"schema": "wcow.machine/9"})


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_have_hosts(name: str) -> None:
    host = hosts.from_machine(SAMPLES[name])
    assert host.os == ("linux" if name == "toolbox" else "windows")
