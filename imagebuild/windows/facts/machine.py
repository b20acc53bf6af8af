# SPDX-License-Identifier: Apache-2.0
"""Everything an examination asks of a machine that is to run Windows containers.

Every fact may be missing. ``None`` means that nobody looked or that it could not be read, an empty tuple that somebody
looked and there is nothing. Accounts are SIDs, never names, so that nothing depends on a language. Secrets have no
place here: proxies and daemon.json are kept without credentials. As JSON: :mod:`..machine_json`; where each fact comes
from on Windows: ``host/collector.ps1``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .host import HostFacts
from .virtual import vendor_of

FeatureState = Literal["enabled", "disabled", "absent", "unknown"]
StartType = Literal["boot", "system", "auto", "manual", "disabled"]
ServiceState = Literal["running", "stopped", "starting", "stopping", "paused", "absent", "unknown"]


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """The Windows itself, beside what verdicts ask for (:class:`HostFacts` has version, edition and architecture).

    ``installation`` is ``InstallationType`` (``Client``, ``Server``, ``Server Core`` …), ``display`` is
    ``DisplayVersion`` (``25H2``), ``product_name`` the ``ProductName`` of the registry, which says Windows 10 on
    Windows 11, or a Linux distribution. ``sku`` is ``OperatingSystemSKU``. ``drive`` holds Windows (``C:``).
    ``pending_reboot`` lists why a restart is due, empty when none is.
    """

    installation: str | None = None
    display: str | None = None
    product_name: str | None = None
    sku: int | None = None
    branch: str | None = None
    kernel: str | None = None
    drive: str | None = None
    pending_reboot: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Feature:
    """An optional feature of Windows by its ``name`` in Win32_OptionalFeature; ``absent``: this edition lacks it."""

    name: str
    state: FeatureState = "unknown"


@dataclass(frozen=True, slots=True)
class Service:
    """A service by its ``name``; ``absent`` when it was looked for and is not installed."""

    name: str
    state: ServiceState = "unknown"
    start: StartType | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """A virtual machine on this host: configuration ``version`` (``9.0``), whether it sees the processor's
    virtualisation (``nested``: ExposeVirtualizationExtensions), ``memory`` in bytes, whether that is ``dynamic``."""

    name: str
    version: str | None = None
    nested: bool | None = None
    memory: int | None = None
    dynamic: bool | None = None
    processors: int | None = None


@dataclass(frozen=True, slots=True)
class HypervisorFacts:
    """Processor, memory, and what runs below and inside.

    ``present`` is ``HypervisorPresent``: true on a host with a running hypervisor and in every guest. ``manufacturer``,
    ``model`` and ``asset`` (only Azure's) are the firmware's and say whose guest it is; ``is_vm`` is what the system
    itself says, where it does. ``firmware``, ``slat`` and ``monitor`` are the processor's abilities as
    Win32_Processor shows them (VirtualizationFirmwareEnabled, SecondLevelAddressTranslationExtensions,
    VMMonitorModeExtensions); once a hypervisor runs they read false. ``launched``: the event log has a start of
    Windows' own hypervisor since the last boot. ``launch_type`` is ``hypervisorlaunchtype`` (``auto``, ``off``).
    ``cpu`` is ``intel``, ``amd``, ``arm`` or what the processor says; ``memory`` is in bytes, ``processors`` logical.
    ``vbs`` is VirtualizationBasedSecurityStatus (0 off, 1 on and not running, 2 running).
    """

    present: bool | None = None
    is_vm: bool | None = None
    manufacturer: str | None = None
    model: str | None = None
    asset: str | None = None
    cpu: str | None = None
    firmware: bool | None = None
    slat: bool | None = None
    monitor: bool | None = None
    launched: bool | None = None
    launch_type: str | None = None
    vbs: int | None = None
    memory: int | None = None
    processors: int | None = None
    guests: tuple[Guest, ...] | None = None

    @property
    def vendor(self) -> str | None:
        """Whose virtual machine this is (see :mod:`.virtual`), empty for a real computer, ``None`` when not known."""
        return vendor_of(self.manufacturer, self.model, self.asset)

    @property
    def guest(self) -> bool | None:
        """Whether this is a virtual machine; ``None`` when not known."""
        if self.is_vm is not None or self.vendor is None:
            return self.is_vm
        return bool(self.vendor)


@dataclass(frozen=True, slots=True)
class Pipe:
    """A named pipe that engines listen on, without ``\\\\.\\pipe\\``: whether it ``exists``, and its ``sddl``."""

    name: str
    exists: bool | None = None
    sddl: str | None = None


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """Who asked: the ``user``'s SID, the SIDs of the ``groups`` that count (deny-only ones left out), ``elevated``."""

    user: str | None = None
    groups: tuple[str, ...] | None = None
    elevated: bool | None = None


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """The engine's own settings: ``data_root`` (``DockerRootDir``), storage ``driver``, ``desktop`` (the version of
    Docker Desktop, empty when it is not installed), ``error`` (what an engine said that could not be asked).

    ``config_text`` is daemon.json as text, secrets replaced, empty when there is none; ``config_encoding`` is
    ``utf-8``, ``utf-8-bom``, ``utf-16`` or ``other``; ``arguments`` is the service's command line.
    """

    data_root: str | None = None
    driver: str | None = None
    desktop: str | None = None
    error: str | None = None
    config_path: str | None = None
    config_text: str | None = None
    config_encoding: str | None = None
    arguments: str | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """A network adapter with its ``addresses`` as ``172.17.0.1/16``; a VPN is one of them."""

    name: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """A container network (HNS) by ``name``, with its ``type`` (``nat``, ``ics``, ``transparent`` …) and
    ``subnets``."""

    name: str
    type: str | None = None
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """Adapters, the engine's networks, and the address translations (``nats``: prefixes of MSFT_NetNat)."""

    adapters: tuple[Adapter, ...] | None = None
    networks: tuple[Network, ...] | None = None
    nats: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume by its ``drive`` (``C:``, a mount point on Linux): ``file_system``, ``size`` and ``free`` in bytes."""

    drive: str
    file_system: str | None = None
    size: int | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """Policies that stop containers: ``deny_unprotected`` (FVE FDVDenyWriteAccess), and the SIDs that
    SeServiceLogonRight is granted to."""

    deny_unprotected: bool | None = None
    service_logon: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FilterDriver:
    """A file system filter: ``altitude`` (a decimal as text, higher sees a file first), ``running``, ``company``."""

    name: str
    altitude: str | None = None
    running: bool | None = None
    company: str | None = None


@dataclass(frozen=True, slots=True)
class AntivirusFacts:
    """Defender: whether it watches files (``realtime``), the paths it leaves out. ``others``: further products."""

    realtime: bool | None = None
    excluded: tuple[str, ...] | None = None
    others: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy setting, without credentials. ``where``: ``user`` (Internet settings), ``machine`` (environment),
    ``service`` (environment of the docker service), ``environment`` (this process). daemon.json has its own in
    :class:`DaemonFacts`."""

    where: str
    http: str | None = None
    https: str | None = None
    no_proxy: str | None = None


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """``now``: when the facts were collected (UTC, ISO 8601); ``skew``: seconds by which the machine's clock is ahead
    of a server's; ``synchronised``: a time source is set."""

    now: str | None = None
    skew: float | None = None
    synchronised: bool | None = None


NOBODY = HostFacts(os="")
"""A host of which nothing is known, not even that it runs Windows."""


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """A whole machine. ``notes`` are the collector's: what it could not read, and why."""

    host: HostFacts = NOBODY
    system: SystemFacts = SystemFacts()
    features: tuple[Feature, ...] | None = None
    services: tuple[Service, ...] | None = None
    hypervisor: HypervisorFacts = HypervisorFacts()
    pipes: tuple[Pipe, ...] | None = None
    token: TokenFacts = TokenFacts()
    daemon: DaemonFacts = DaemonFacts()
    network: NetworkFacts = NetworkFacts()
    volumes: tuple[Volume, ...] | None = None
    policy: PolicyFacts = PolicyFacts()
    filters: tuple[FilterDriver, ...] | None = None
    antivirus: AntivirusFacts = AntivirusFacts()
    proxies: tuple[Proxy, ...] | None = None
    clock: ClockFacts = ClockFacts()
    notes: tuple[str, ...] = ()

    def feature(self, name: str) -> FeatureState | None:
        """The state of an optional feature, ``None`` when nobody looked."""
        found = [one.state for one in self.features or () if one.name.casefold() == name.casefold()]
        return found[0] if found and found[0] != "unknown" else None

    def service(self, name: str) -> Service | None:
        """A service, ``None`` when nobody looked for it."""
        found = [one for one in self.services or () if one.name.casefold() == name.casefold()]
        return found[0] if found and found[0].state != "unknown" else None

    def volume(self, path: str) -> Volume | None:
        """The volume that a path lies on: by its drive letter, else by the longest mount point."""
        wanted = path.replace("/", "\\").casefold() + "\\"
        fitting = [one for one in self.volumes or ()
                   if wanted.startswith(one.drive.replace("/", "\\").casefold().rstrip("\\") + "\\")]
        return max(fitting, key=lambda one: len(one.drive), default=None)
