# SPDX-License-Identifier: Apache-2.0
"""Hosts from what people have: a version they type, and the JSON of other people's programs.

Nothing here asks a machine: readers take text or parsed JSON and give :class:`HostFacts`. What a program does not say,
or says in another form, is not known; only what was typed, and a document that is none of these, is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...errors import FormatError, quoted
from ...windows.facts import docker_info as dockerinfo
from ...windows.facts.host import EngineFacts, HostFacts, Product, WindowsVersion
from ...windows.facts.machine import MachineFacts
from ...windows.machine_json import SCHEMA, from_document
from ...windows.releases import release
from .names import named_releases

_FIRST_BUILD = 10240
"""The first build of Windows 10: what has a smaller one is not version 10.0."""
_LABELS = {"build": "node.kubernetes.io/windows-build", "arch": "kubernetes.io/arch", "os": "kubernetes.io/os"}


@dataclass(frozen=True, slots=True)
class Detected:
    """What a document is (``machine``, ``docker-info``, ``docker-version``, ``ansible``, ``node``, ``nodes``, ``cim``,
    ``registry``) and the hosts in it; ``machine`` has all facts where it is one of ours."""

    kind: str
    hosts: tuple[HostFacts, ...]
    machine: MachineFacts | None = None


def from_text(text: str) -> HostFacts:
    """A host as people write it: ``10.0.26200.7171``, ``20348``, ``ltsc2022``, ``Windows 11 25H2``, ``Server 2025``.

    A build that no table has is fine. FormatError when it is no version, or may be two.
    """
    said = " ".join(text.split())
    words = said.lower() if said.isascii() and len(said) <= 100 else ""
    if re.fullmatch(r"\d{1,5}\.\d{1,5}\.\d{1,5}(\.\d{1,9})?", words):
        return _typed(WindowsVersion.parse(words), said)
    if re.fullmatch(r"\d{5}(\.\d{1,9})?", words) and int(words.partition(".")[0]) >= _FIRST_BUILD:
        return _typed(WindowsVersion.parse(f"10.0.{words}"), said)
    named = named_releases(words)
    if len({known.build for known, _unused in named}) > 1:
        raise FormatError(f"{quoted(text[:60])} may be more than one Windows",
                          hint="say the build: 10.0.BUILD.REVISION",
                          why=" or ".join(f"{known.name_of(product)} ({known.build})" for known, product in named))
    if not named:
        raise FormatError(f"cannot read {quoted(text[:60])} as a Windows host",
                          hint="like 10.0.20348.2527, 20348, ltsc2022, 'Windows 11 25H2' or 'Windows Server 2025'")
    known, product = named[0]
    return _typed(WindowsVersion(10, 0, known.build), said, product)


def from_docker(info: Mapping[str, Any], version: Mapping[str, Any] | None = None) -> HostFacts:
    """A host from ``docker info --format json`` (or ``/info``) and ``docker version --format json``.

    The revision stands only in ``OperatingSystem``, the kernel family only in ``KernelVersion``.
    """
    host = dockerinfo.host_of(info, version)
    return _with_table(host) if host.os == "windows" else host


def from_ansible(facts: Mapping[str, Any]) -> HostFacts:
    """A host from the facts that Ansible's ``setup`` collects, with or without ``ansible_`` in front.

    ansible.windows has no revision: the fourth number of ``ansible_kernel`` is always 0.
    """
    inner = facts.get("ansible_facts")
    facts = inner if isinstance(inner, Mapping) else facts
    said = {name.removeprefix("ansible_"): value for name, value in facts.items() if isinstance(name, str)}
    names = _text(said, "os_family"), _text(said, "system")
    name = _text(said, "hostname") or _text(said, "nodename")
    architecture = dockerinfo.go_architecture(_text(said, "architecture2") or _text(said, "architecture"))
    if not architecture.isalnum() or architecture.endswith("bit"):  # "64-bit" in the language of the machine
        architecture = ""
    if "Windows" not in names and "Win32NT" not in names:
        return HostFacts(os=names[1].lower() or ("linux" if names[0] else ""), architecture=architecture, name=name,
                         source="ansible facts")
    version = _version_of(_text(said, "kernel")) or _version_of(_text(said, "distribution_version"))
    kinds: dict[str, Product] = {"workstation": "client", "server": "server", "domain_controller": "server"}
    product = kinds.get(_text(said, "os_product_type"), "") or _product_of(_text(said, "os_installation_type"))
    return _with_table(HostFacts(replace(version, revision=None) if version else None, product=product, name=name,
                                 architecture=architecture, source="ansible facts"))


def from_node(labels: Mapping[str, Any], info: Mapping[str, Any] | None = None) -> HostFacts:
    """A Kubernetes node from its ``labels`` and, where there is one, its ``status.nodeInfo``.

    The label has no revision; ``kernelVersion`` has it, and ``containerRuntimeVersion`` names the engine.
    """
    info = info or {}
    system = _text(labels, _LABELS["os"]) or _text(info, "operatingSystem")
    build, kernel = _version_of(_text(labels, _LABELS["build"])), _version_of(_text(info, "kernelVersion"))
    if build is not None and not system:
        system = "windows"
    engine = re.fullmatch(r"(docker|containerd)://v?(\S{1,60})", _text(info, "containerRuntimeVersion"))
    facts = EngineFacts(engine[1], engine[2], system, "containerd" if engine[1] == "containerd" else "",
                        "process" if system == "windows" else "") if engine else None
    host = HostFacts(os=system, engine=facts, source="kubernetes node", name=_text(labels, "kubernetes.io/hostname"),
                     architecture=_text(labels, _LABELS["arch"]) or _text(info, "architecture"))
    if system != "windows":
        return host
    version = kernel if kernel and (build is None or kernel.build == build.build) else build
    # Kubernetes runs on Windows Server only (its documentation, "Windows OS version support").
    return _with_table(replace(host, version=version, product="server"))


def from_registry(values: Mapping[str, Any]) -> HostFacts:
    """A host from ``HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion``: the only place with everything.

    ``CurrentVersion`` is 6.3 for ever and ``ProductName`` says Windows 10 on Windows 11: neither is looked at.
    """
    build, lab = _number(values, "CurrentBuildNumber", "CurrentBuild"), dockerinfo.parse_build_lab(
        _text(values, "BuildLabEx"))
    major, minor = _number(values, "CurrentMajorVersionNumber"), _number(values, "CurrentMinorVersionNumber")
    if major is None and build is not None and build >= _FIRST_BUILD:
        major, minor = 10, 0
    version = None if build is None or major is None else WindowsVersion(major, minor or 0, build,
                                                                         _number(values, "UBR"))
    return _with_table(HostFacts(version, lab.core if lab else None, _product_of(_text(values, "InstallationType")),
                                 architecture=lab.architecture if lab else "", edition=_text(values, "EditionID"),
                                 source="registry"))


def from_cim(system: Mapping[str, Any], registry: Mapping[str, Any] | None = None) -> HostFacts:
    """A host from ``Win32_OperatingSystem`` (no revision in it, ``Caption`` is in the machine's language) and, where
    there are any, the values that :func:`from_registry` takes, which win."""
    kinds: dict[int | None, Product] = {1: "client", 2: "server", 3: "server"}
    host = HostFacts(_version_of(_text(system, "Version")), product=kinds.get(_number(system, "ProductType"), ""),
                     name=_text(system, "CSName") or _text(system, "PSComputerName"), source="CIM")
    if "arm" in _text(system, "OSArchitecture").lower():
        host = replace(host, architecture="arm64")
    known = from_registry(registry or {})
    return _with_table(replace(
        host, version=known.version or host.version, core=known.core, product=host.product or known.product,
        architecture=known.architecture or host.architecture, edition=known.edition))


def from_machine(facts: MachineFacts) -> HostFacts:
    """The host of a collected machine, with what its features and hypervisor say of isolation where it is not said."""
    host = facts.host
    containers, hyperv = host.containers, host.hyperv
    feature = facts.feature("Containers")
    if containers is None and feature is not None:
        containers = feature == "enabled"
    feature = facts.feature("Microsoft-Hyper-V")
    if hyperv is None and feature is not None:
        below = facts.hypervisor
        running = below.present if below.guest is False else below.launched
        hyperv = False if feature != "enabled" else running
    host = replace(host, containers=containers, hyperv=hyperv)
    return _with_table(host) if host.os == "windows" else host


def detect(document: Any) -> Detected:
    """Which of these a parsed JSON document is, and the hosts in it; FormatError when it is none of them."""
    if isinstance(document, list) and len(document) == 1:  # docker and PowerShell like to put one into a list
        document = document[0]
    if not isinstance(document, Mapping):
        raise _unknown("it is no JSON object")
    if isinstance(document.get("schema"), str) and document["schema"].startswith(SCHEMA.partition("/")[0]):
        machine = from_document(document).facts
        return Detected("machine", (from_machine(machine),), machine)
    if document.get("kind") in ("List", "NodeList") and isinstance(document.get("items"), list):
        items = [item for item in document["items"] if isinstance(item, Mapping) and _is_node(item)]
        if not items:
            raise _unknown("none of its items is a Node")
        return Detected("nodes", tuple(_node(item) for item in items))
    for kind, fits, read in (
        ("node", _is_node, _node), ("node", lambda one: _LABELS["build"] in one, from_node),
        ("docker-info", lambda one: "OSType" in one or "DockerRootDir" in one, from_docker),
        ("docker-version", _is_version, lambda one: from_docker({}, one)),
        ("ansible", _is_ansible, from_ansible),
        ("registry", lambda one: "CurrentBuildNumber" in one, from_registry),
        ("cim", lambda one: "ProductType" in one and "Version" in one, from_cim),
    ):
        if fits(document):
            return Detected(kind, (read(document),))
    raise _unknown("it has no fields of any of these")


def _unknown(why: str) -> FormatError:
    return FormatError("cannot tell what host this JSON describes", why=why,
                       hint="known: 'docker info' and 'docker version' with --format json, 'kubectl get node -o json', "
                            "Ansible's setup, Win32_OperatingSystem, and what 'wcow doctor facts' writes")


def _is_node(document: Mapping[str, Any]) -> bool:
    return document.get("kind") == "Node" and isinstance(document.get("metadata"), Mapping)


def _node(document: Mapping[str, Any]) -> HostFacts:
    metadata, status = document["metadata"], document.get("status")
    labels, info = metadata.get("labels"), status.get("nodeInfo") if isinstance(status, Mapping) else None
    host = from_node(labels if isinstance(labels, Mapping) else {}, info if isinstance(info, Mapping) else None)
    return replace(host, name=_text(metadata, "name") or host.name)


def _is_version(document: Mapping[str, Any]) -> bool:
    server = document.get("Server")
    return isinstance(server, Mapping) or ("Client" in document and "Server" in document) or "ApiVersion" in document


def _is_ansible(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("ansible_facts"), Mapping) or any(
        name in document for name in ("ansible_os_family", "ansible_kernel", "os_product_type", "ansible_distribution"))


def _typed(version: WindowsVersion, said: str, product: Product = "") -> HostFacts:
    return _with_table(HostFacts(version, product=product, name=said, source="typed"))


def _with_table(host: HostFacts) -> HostFacts:
    """A host with what its build alone says: the kernel family, and what only one kind of Windows has."""
    known = release(host.version.build) if host.version is not None else None
    if known is None:
        return host
    only: Product = "client" if not known.server else "server" if not known.client else ""
    return replace(host, core=known.core if host.core is None else host.core, product=host.product or only)


def _product_of(installation: str) -> Product:
    """``InstallationType``: Client, Server, Server Core, Nano Server, IoTUAP."""
    word = installation.lower()
    return "client" if word == "client" else "server" if "server" in word else ""


def _version_of(text: str) -> WindowsVersion | None:
    try:
        return WindowsVersion.parse(text)
    except FormatError:  # a text that is no version says nothing of one
        return None


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value.strip() if isinstance(value, str) else ""


def _number(values: Mapping[str, Any], *names: str) -> int | None:
    """A number, or digits as text: the registry has both."""
    for name in names:
        value = values.get(name)
        if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) <= 10:
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32:
            return value
    return None
