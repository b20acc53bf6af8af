# SPDX-License-Identifier: Apache-2.0
"""What a Windows engine refuses when a container is created, in moby's words and with its status.

Sources (moby 26.1): ``runconfig/hostconfig_windows.go`` and ``hostconfig.go`` (read with the body; most of these are
plain errors, hence status 500), ``daemon/daemon_windows.go`` verifyPlatformContainerResources and
``daemon/container.go`` (status 400), ``api/server/router/container/container_routes.go`` (what depends on the version).
Mounts have their own rules (:mod:`..volumes.mounts`), and so have networks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ...dockerapi import faults, shapes
from ...dockerapi.versions import ApiVersion
from ..gotext import quoted
from .config import check_config, check_host_config

#: Shares of a processor, and percents of all processors, have these ranges on Windows.
MAX_SHARES, MAX_PERCENT = 10_000, 100


@dataclass(frozen=True, slots=True)
class Refusal:
    """One field that Windows does not have: its name in :class:`~...dockerapi.shapes.HostConfig`, when it counts as
    set, the answer."""

    field: str
    text: str
    fault: type[faults.Fault] = faults.BadRequest
    refused: Callable[[Any], bool] = bool


def _unsupported(field: str, name: str, refused: Callable[[Any], bool] = bool) -> Refusal:
    return Refusal(field, f"invalid option: Windows does not support {name}", refused=refused)


#: Refused while the body is read, before anything is looked up.
WITH_THE_BODY = (
    Refusal("cpu_realtime_period", "Windows does not support CPU real-time period", faults.Internal),
    Refusal("cpu_realtime_runtime", "Windows does not support CPU real-time runtime", faults.Internal),
    Refusal("privileged", "Windows does not support privileged mode", faults.Internal),
    Refusal("readonly_rootfs", "Windows does not support root filesystem in read-only mode", faults.Internal),
)

#: Limits that Windows does not have, in the order in which moby looks at them. ``CpuQuota`` is not among them: moby
#: takes it and does nothing with it, which is told as a warning here.
RESOURCES = (
    _unsupported("blkio_device_read_bps", "BlkioDeviceReadBps"),
    _unsupported("blkio_device_read_iops", "BlkioDeviceReadIOps"),
    _unsupported("blkio_device_write_bps", "BlkioDeviceWriteBps"),
    _unsupported("blkio_device_write_iops", "BlkioDeviceWriteIOps"),
    _unsupported("blkio_weight", "BlkioWeight"),
    _unsupported("blkio_weight_device", "BlkioWeightDevice"),
    _unsupported("cgroup_parent", "CgroupParent"),
    _unsupported("cpu_period", "CPUPeriod"),
    _unsupported("cpuset_cpus", "CpusetCpus"),
    _unsupported("cpuset_mems", "CpusetMems"),
    _unsupported("kernel_memory", "KernelMemory"),
    _unsupported("memory_reservation", "MemoryReservation"),
    _unsupported("memory_swap", "MemorySwap"),
    _unsupported("memory_swappiness", "MemorySwappiness", lambda value: value is not None),
    _unsupported("oom_kill_disable", "OomKillDisable"),
    _unsupported("pids_limit", "PidsLimit"),
    _unsupported("ulimits", "Ulimits"),
)

#: moby's Windows parser has this sentence for tmpfs and never comes to say it: the daemon forgets ``Tmpfs`` silently.
#: Here it is said, so that no test passes on a mount that was not made [unproven on a real host].
TMPFS = Refusal("tmpfs", "windows does not support tmpfs")


@dataclass(frozen=True, slots=True)
class Checked:
    """What is left to work with: the request with its defaults filled in and what Windows discards taken out, and the
    warnings that go into the answer."""

    config: shapes.Config
    host_config: shapes.HostConfig
    warnings: tuple[str, ...] = ()


def check_create(config: shapes.Config, host_config: shapes.HostConfig | None, *, cpus: int,
                 version: ApiVersion) -> Checked:
    """Refuse what Windows refuses of a create request. ``cpus`` is how many processors the engine has, ``version`` the
    one that the client speaks. Looks at nothing but its arguments; the image's settings are not merged in yet."""
    if host_config is not None:
        _refuse_with_the_body(config, host_config)
    host = _for_version(host_config or shapes.HostConfig(), version)
    config = check_config(config, version)
    check_host_config(host)
    _refuse(host, (TMPFS,))
    host, warnings = check_resources(host, cpus)
    return Checked(config, host, (*warnings, *_ignored(host)))


def check_resources(host: shapes.HostConfig, cpus: int) -> tuple[shapes.HostConfig, tuple[str, ...]]:
    """Refuse limits that Windows does not have; of processor settings that exclude each other one is kept, with a
    warning. Also the first half of an update."""
    if host.memory_swappiness == -1:  # what the docker client sends when nothing was said
        host = replace(host, memory_swappiness=None)
    warnings: tuple[str, ...] = ()
    if not is_hyperv(host.isolation):
        host, warnings = _one_of(host)
    if not 0 <= host.cpu_shares <= MAX_SHARES:
        raise faults.BadRequest(f"range of CPUShares is from 1 to {MAX_SHARES}")
    if not 0 <= host.cpu_percent <= MAX_PERCENT:
        raise faults.BadRequest(f"range of CPUPercent is from 1 to {MAX_PERCENT}")
    if host.cpu_count < 0:
        raise faults.BadRequest("invalid CPUCount: CPUCount cannot be negative")
    if host.nano_cpus > 0 and host.cpu_percent > 0:
        raise faults.BadRequest("conflicting options: Nano CPUs and CPU Percent cannot both be set")
    if host.nano_cpus > 0 and host.cpu_shares > 0:
        raise faults.BadRequest("conflicting options: Nano CPUs and CPU Shares cannot both be set")
    if not 0 <= host.nano_cpus <= cpus * 1_000_000_000:
        raise faults.BadRequest(f"range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available")
    _refuse(host, RESOURCES)
    return host, warnings


def is_hyperv(isolation: str) -> bool:
    """Whether an ``Isolation`` asks for a machine of its own."""
    return isolation.lower() == "hyperv"


def _refuse(host: shapes.HostConfig, table: tuple[Refusal, ...]) -> None:
    for row in table:
        if row.refused(getattr(host, row.field)):
            raise row.fault(row.text)


def _refuse_with_the_body(config: shapes.Config, host: shapes.HostConfig) -> None:
    _check_network_mode(config, host)
    if host.isolation.lower() not in ("", "default", "process", "hyperv"):
        raise faults.Internal(f"Invalid isolation: {quoted(host.isolation)}. Windows supports 'default', 'process', "
                              "or 'hyperv'")
    _refuse(host, WITH_THE_BODY)


def _check_network_mode(config: shapes.Config, host: shapes.HostConfig) -> None:
    """What cannot go together with another container's network."""
    kind, _unused, other = host.network_mode.partition(":")
    if kind != "container":
        return
    if not other:
        raise faults.BadRequest("Invalid network mode: invalid container format container:<name|id>")
    for clash, text in (
            (config.hostname, "conflicting options: hostname and the network mode"),
            (host.links, "conflicting options: container type network can't be used with links. This would result in "
                         "undefined behavior"),
            (host.dns, "conflicting options: dns and the network mode"),
            (host.extra_hosts, "conflicting options: custom host-to-IP mapping and the network mode"),
            (host.port_bindings or host.publish_all_ports,
             "conflicting options: port publishing and the container type network mode"),
            (config.exposed_ports, "conflicting options: port exposing and the container type network mode")):
        if clash:
            raise faults.BadRequest(text)
    if is_hyperv(host.isolation):
        raise faults.Internal("Using the network stack of another container is not supported while using Hyper-V "
                              "Containers")


def _for_version(host: shapes.HostConfig, version: ApiVersion) -> shapes.HostConfig:
    """Without what the client's version did not have, and with moby's defaults."""
    if not version.at_least("1.25"):
        host = replace(host, auto_remove=False)
    if version.at_least("1.42"):
        host = replace(host, kernel_memory=0)
    if not version.at_least("1.43"):
        host = replace(host, annotations=None)
    if host.pids_limit is not None and host.pids_limit <= 0:
        host = replace(host, pids_limit=None)
    if not host.restart_policy.name:
        host = replace(host, restart_policy=replace(host.restart_policy, name="no"))
    return host


def _one_of(host: shapes.HostConfig) -> tuple[shapes.HostConfig, tuple[str, ...]]:
    """Of count, shares and percent the first that is set, and a warning for each that is dropped."""
    said = "Conflicting options: CPU {} takes priority over CPU {} on Windows Server Containers. CPU {} discarded"
    warnings = []
    if host.cpu_count > 0:
        if host.cpu_shares > 0:
            warnings.append(said.format("count", "shares", "shares"))
            host = replace(host, cpu_shares=0)
        if host.cpu_percent > 0:
            warnings.append(said.format("count", "percent", "percent"))
            host = replace(host, cpu_percent=0)
    elif host.cpu_shares > 0 and host.cpu_percent > 0:
        warnings.append(said.format("shares", "percent", "percent"))
        host = replace(host, cpu_percent=0)
    return host, tuple(warnings)


def _ignored(host: shapes.HostConfig) -> list[str]:
    """What is taken and has no effect: of the first Windows says nothing, the others work there and not here."""
    return [text for is_set, text in (
        (host.cpu_quota, "CpuQuota has no effect on Windows; use NanoCpus"),
        (host.io_maximum_iops, "IOMaximumIOps is not enforced by this engine"),
        (host.io_maximum_bandwidth, "IOMaximumBandwidth is not enforced by this engine"),
        (host.cpu_shares, "CpuShares is not enforced by this engine"),
        (host.devices, "Devices are not given to containers by this engine"),
        (any(option.lower().startswith("credentialspec=") for option in host.security_opt or ()),
         "credential specs have no effect on this engine"),
        (host.links, "Links have no effect on Windows; name them for a network of your own"),
        (host.storage_opt, "StorageOpt is not enforced by this engine")) if is_set]
