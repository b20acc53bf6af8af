# SPDX-License-Identifier: Apache-2.0
"""Machines to examine: any at all, for properties, and five that people have."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass, replace
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from imagebuild.windows.facts.host import EngineFacts, HostFacts, WindowsVersion
from imagebuild.windows.facts.machine import (
    Adapter,
    AntivirusFacts,
    ClockFacts,
    DaemonFacts,
    Feature,
    FilterDriver,
    Guest,
    HypervisorFacts,
    MachineFacts,
    Network,
    NetworkFacts,
    Pipe,
    PolicyFacts,
    Service,
    SystemFacts,
    TokenFacts,
    Volume,
)

TEXTS = st.text(max_size=20) | st.sampled_from([
    "", "C:", "docker", "vmcompute", "hns", "nat", "172.17.0.1/16", "172.17.0.0/12", "::1/64", "D:(A;;FA;;;BA)", "{}",
    '{"data-root": "D:\\\\docker"}', "S-1-5-32-544", "Professional", "Core", "29.1.0", "1.24",
    "windowsfilter", "189900", "Containers", "Microsoft-Hyper-V", "hyperv", "intel", "9.0", "2026-11-24T10:00:00Z",
    "docker_engine", "wcifs", "off", "http://proxy.example:3128", "process", "linux", "arm64"])


def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type of the library's: every field drawn by its annotation."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return st.one_of([anything(one) for one in get_args(kind)])
    if kind is type(None):
        return st.none()
    if origin is Literal:
        return st.sampled_from(get_args(kind))
    if origin is tuple:
        return st.lists(anything(get_args(kind)[0]), max_size=3).map(tuple)
    if kind is WindowsVersion:
        small = st.integers(0, 99999)
        builds = st.sampled_from([14393, 17763, 19045, 20348, 26100, 26200, 28000]) | small
        return st.builds(WindowsVersion, st.just(10) | small, st.just(0) | small, builds,
                         st.none() | st.integers(0, 999_999_999))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        needed = {field.name: anything(hints[field.name]) for field in fields(kind) if field.default is MISSING}
        rest = {field.name: anything(hints[field.name]) for field in fields(kind) if field.default is not MISSING}
        return st.fixed_dictionaries(needed, optional=rest).map(lambda given: kind(**given))  # type: ignore[operator]
    return {str: TEXTS, bool: st.booleans(), int: st.integers(-(1 << 62), 1 << 62) | st.integers(0, 5),
            float: st.floats(-1e9, 1e9)}[kind]


MACHINES: st.SearchStrategy[MachineFacts] = anything(MachineFacts)

GIB = 1 << 30
PIPE_SDDL = "D:P(A;;GA;;;BA)(A;;GA;;;SY)"
"""What dockerd gives its pipe: SYSTEM and Administrators (moby daemon/listeners/listeners_windows.go)."""
ADMINISTRATOR = TokenFacts("S-1-5-21-1-2-3-500", ("S-1-1-0", "S-1-5-32-544", "S-1-5-32-545", "S-1-5-11"), True)
USER = TokenFacts("S-1-5-21-1-2-3-1001", ("S-1-1-0", "S-1-5-32-545", "S-1-5-11"), False)

FILTERS = (
    FilterDriver("bindflt", "409800", True, "Microsoft Corporation"),
    FilterDriver("WdFilter", "328010", True, "Microsoft Corporation"),
    FilterDriver("wcifs", "189900", True, "Microsoft Corporation"),
    FilterDriver("CldFlt", "180451", True, "Microsoft Corporation"),
)


def services(**states: str) -> tuple[Service, ...]:
    """The services a collector looks for, running unless said otherwise."""
    names = {"docker": "running", "containerd": "absent", "hns": "running", "vmcompute": "running", "vmms": "absent",
             "SharedAccess": "stopped", **states}
    return tuple(Service(name, state, None if state == "absent" else "auto" if state == "running" else "manual")
                 for name, state in names.items())  # type: ignore[arg-type]


SERVER_2022 = MachineFacts(
    host=HostFacts(WindowsVersion(10, 0, 20348, 4405), 20348, "server", "windows", "amd64", "ServerDatacenter", False,
                   True, EngineFacts("docker", "29.1.0", "windows", "graphdriver", "process", "1.52", "1.44", "srv"),
                   "srv", "collector"),
    system=SystemFacts("Server", "21H2", "Windows Server 2022 Datacenter", 8, "fe_release", None, "C:", ()),
    features=(Feature("Containers", "enabled"), Feature("Microsoft-Hyper-V", "disabled"),
              Feature("VirtualMachinePlatform", "disabled")),
    services=services(),
    hypervisor=HypervisorFacts(False, None, "Contoso", "Rack", None, "intel", True, True, True, False, "auto", 0,
                               64 * GIB, 32),
    pipes=(Pipe("docker_engine", True, PIPE_SDDL),),
    token=ADMINISTRATOR,
    daemon=DaemonFacts(r"C:\ProgramData\docker", "windowsfilter", "", None, r"C:\ProgramData\docker\config\daemon.json",
                       "", "utf-8", r"C:\Windows\System32\dockerd.exe --run-service"),
    network=NetworkFacts((Adapter("Ethernet", ("192.0.2.10/24",)), Adapter("vEthernet (nat)", ("172.20.16.1/20",))),
                         (Network("nat", "nat", ("172.20.16.0/20",)),), ("172.20.16.0/20",)),
    volumes=(Volume("C:", "NTFS", 500 * GIB, 300 * GIB),),
    policy=PolicyFacts(False, ("S-1-5-80-0", "S-1-5-83-0")),
    filters=FILTERS,
    antivirus=AntivirusFacts(True, (r"C:\ProgramData\docker",), ()),
    proxies=(),
    clock=ClockFacts("2026-11-24T10:00:00Z", 0.4, True),
)
"""A healthy Server 2022: process isolation, no Hyper-V, everything known."""

WINDOWS_11 = replace(
    SERVER_2022,
    host=HostFacts(WindowsVersion(10, 0, 26200, 7462), 26100, "client", "windows", "amd64", "Professional", True, True,
                   EngineFacts("docker", "29.6.2", "windows", "containerd", "hyperv", "1.52", "1.44", "dev"), "dev",
                   "collector"),
    system=SystemFacts("Client", "25H2", "Windows 10 Pro", 48, "ge_release", None, "C:", ()),
    features=(Feature("Containers", "enabled"), Feature("Microsoft-Hyper-V", "enabled"),
              Feature("VirtualMachinePlatform", "enabled")),
    services=services(vmms="running"),
    hypervisor=HypervisorFacts(True, None, "Contoso", "Laptop", None, "amd", False, False, False, True, "auto", 2,
                               32 * GIB, 16, ()),
    token=USER,
    daemon=replace(SERVER_2022.daemon, driver="windows", desktop="4.52.0"),
    network=NetworkFacts((Adapter("Wi-Fi", ("192.0.2.30/24",)), Adapter("VPN", ("172.20.5.2/16",))),
                         (Network("nat", "ics", ("172.20.16.0/20",)),), ()),
    antivirus=AntivirusFacts(True, (), ()),
)
"""A developer's Windows 11 25H2: Docker Desktop with the containerd store, not elevated, a VPN in the way."""

HOME = replace(
    SERVER_2022,
    host=HostFacts(WindowsVersion(10, 0, 22631, 5189), 22621, "client", "windows", "amd64", "Core", False, False, None,
                   "home", "collector"),
    system=SystemFacts("Client", "23H2", "Windows 10 Home", 101, "ni_release", None, "C:", ()),
    features=(Feature("Containers", "absent"), Feature("Microsoft-Hyper-V", "absent"),
              Feature("VirtualMachinePlatform", "disabled")),
    services=services(docker="absent", hns="absent", vmcompute="absent"),
    pipes=(Pipe("docker_engine", False),),
    token=USER,
    daemon=DaemonFacts(desktop=""),
    network=NetworkFacts((Adapter("Wi-Fi", ("192.0.2.31/24",)),), None, ()),
)
"""A Home edition without any of it."""

GUEST = replace(
    SERVER_2022,
    host=replace(WINDOWS_11.host, version=WindowsVersion(10, 0, 22631, 5189), core=22621, hyperv=False, name="guest",
                 engine=EngineFacts("docker", "28.5.1", "windows", "graphdriver", "hyperv", "1.51", "1.24", "guest")),
    system=SystemFacts("Client", "23H2", "Windows 10 Pro", 48, "ni_release", None, "C:", ()),
    features=(Feature("Containers", "enabled"), Feature("Microsoft-Hyper-V", "disabled")),
    hypervisor=HypervisorFacts(True, None, "Microsoft Corporation", "Virtual Machine", None, "intel", False, False,
                               False, False, "auto", 0, 2 * GIB, 1),
)
"""A Windows 11 guest of Hyper-V with one processor, 2 GiB and no nested virtualisation."""

TOOLBOX = MachineFacts(
    host=HostFacts(None, None, "", "linux", "amd64", "", None, None,
                   EngineFacts("docker", "19.03.12", "linux", "graphdriver", "", "1.40", "1.12", "default"), "default",
                   "docker info"),
    system=SystemFacts(product_name="Boot2Docker 19.03.12 (TCL 10.1)", kernel="4.19.130-boot2docker"),
    daemon=DaemonFacts("/mnt/sda1/var/lib/docker", "overlay2"),
)
"""What Docker Toolbox's daemon says: a small Linux in VirtualBox."""

L0 = replace(
    SERVER_2022, host=replace(SERVER_2022.host, hyperv=True),
    features=(Feature("Containers", "enabled"), Feature("Microsoft-Hyper-V", "enabled")),
    services=services(vmms="running"),
    hypervisor=replace(SERVER_2022.hypervisor, present=True, launched=True, firmware=False, slat=False, monitor=False,
                       guests=(Guest("new", "10.0", True, 8 * GIB, False, 4),
                               Guest("old", "5.0", False, GIB, True, 1))),
)
"""A Hyper-V host with a guest that may nest and one that may not."""

SAMPLES = {"server-2022": SERVER_2022, "windows-11": WINDOWS_11, "home": HOME, "guest": GUEST, "toolbox": TOOLBOX,
           "l0": L0}


def changed(facts: MachineFacts, changes: dict[str, Any]) -> MachineFacts:
    """The machine with other facts, by their names: ``{"host.engine.version": "20.10.0", "volumes": None}``."""
    for path, value in changes.items():
        facts = _changed(facts, path.split("."), value)
    return facts


def _changed(place: Any, names: list[str], value: Any) -> Any:
    inner = value if len(names) == 1 else _changed(getattr(place, names[0]), names[1:], value)
    return replace(place, **{names[0]: inner})


def feature(name: str, state: str) -> tuple[Feature, ...]:
    """One feature, and Containers beside it."""
    return (Feature("Containers", "enabled"), Feature(name, state))  # type: ignore[arg-type]


SERVER_2016, SERVER_2019, SERVER_2025 = (
    changed(SERVER_2022, {
        "host.version": WindowsVersion(10, 0, build, revision), "host.core": build, "system.branch": branch,
        "system.display": display, "system.product_name": f"Windows Server {year} Datacenter"})
    for build, revision, branch, display, year in (
        (14393, 7070, "rs1_release", None, 2016), (17763, 6054, "rs5_release", None, 2019),
        (26100, 2033, "ge_release", "24H2", 2025)))

CHANGES: dict[str, dict[str, Any]] = {
    "no Containers feature": {"features": feature("Containers", "absent")[1:]},
    "Hyper-V without nesting": {
        "features": feature("Microsoft-Hyper-V", "enabled"), "services": services(vmms="running"),
        "hypervisor": replace(L0.hypervisor, guests=L0.hypervisor.guests[1:])},  # type: ignore[index]
    "engine stopped": {"services": services(docker="stopped")},
    "pending reboot": {"system.pending_reboot": ("component-servicing", "windows-update", "file-rename",
                                                 "computer-name")},
}
"""What can be wrong with the Server 2022, for :func:`changed`."""
