# SPDX-License-Identifier: Apache-2.0
"""What a Windows engine refuses of a container that exists: at its start, and of what clients ask for later.

Most of these are plain errors in moby, so their status is 500; what a start finds wrong with the config is 500 whatever
kind of error it is (``daemon/start.go``). Sources (moby 26.1): ``daemon/oci_windows.go``,
``daemon/{changes,export,commit,pause,unpause,top_windows,update}.go``, ``container/container_windows.go``
UpdateContainer, ``libcontainerd/local/local_windows.go``, ``api/server/router/experimental.go``.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ...dockerapi import faults, shapes
from ...dockerapi.versions import ApiVersion
from ..gotext import quoted
from ..networks.model import other_of
from ..networks.request import not_joinable
from .config import check_restart
from .create import check_resources, is_hyperv

if TYPE_CHECKING:
    from ..containers.container import Container

#: The fields that an update may not have: every limit, whether Windows has it or not.
LIMITS = ("cpu_shares", "memory", "nano_cpus", "cgroup_parent", "blkio_weight", "blkio_weight_device",
          "blkio_device_read_bps", "blkio_device_write_bps", "blkio_device_read_iops", "blkio_device_write_iops",
          "cpu_period", "cpu_quota", "cpu_realtime_period", "cpu_realtime_runtime", "cpuset_cpus", "cpuset_mems",
          "devices", "device_cgroup_rules", "kernel_memory", "memory_reservation", "memory_swap", "pids_limit",
          "ulimits", "cpu_count", "cpu_percent", "io_maximum_iops", "io_maximum_bandwidth")
#: Those that are refused as soon as they are said, even with the value that means nothing.
SAID = ("memory_swappiness", "oom_kill_disable")

_SPECS = r"C:\ProgramData\docker\CredentialSpecs"


def check_start(container: str, host: shapes.HostConfig) -> None:
    """What Windows finds out when a container is started. ``container`` is its id.

    Hyper-V isolation is answered as a host without Hyper-V does (HCS_E_HYPERV_NOT_INSTALLED).
    """
    for option in host.security_opt or ():
        _check_security(container, option)
    for device in host.devices or ():
        _check_device(device.path_on_host)
    if is_hyperv(host.isolation):
        raise faults.Internal(f"hcs::CreateComputeSystem {container}: The virtual machine could not be started because "
                              "a required feature is not installed.")


def check_shared_network(container: Container, find: Callable[[str], Container]) -> Container | None:
    """Whose network a container is to be in at its start (``container:NAME``), ``None`` for one with its own. Refused
    where that one is not there or does not run (moby ``daemon/container_operations.go`` getNetworkedContainer)."""
    name = other_of(container.host.network_mode)
    if not name or container.config.network_disabled:
        return None
    other = find(name)
    if other is container:
        raise faults.Internal("cannot join own network")
    if other.status == "restarting":
        raise faults.is_restarting(name)
    if not other.running:
        raise not_joinable(name)
    return other


def check_checkpoint(name: str) -> None:
    """A start from a checkpoint."""
    if name:
        raise faults.BadRequest("checkpoint is only supported in experimental mode")


def check_commit(running: bool) -> None:
    """A container that runs cannot become an image."""
    if running:
        raise faults.Internal("windows does not support commit of a running container")


def check_changes(running: bool) -> None:
    """Nor can be said what it changed."""
    if running:
        raise faults.Internal("Windows does not support diff of a running container")


def export() -> faults.Fault:
    """``docker export``, never."""
    return faults.Internal("the daemon on this operating system does not support exporting Windows containers")


def pause(container: str) -> faults.Fault:
    """Pausing one that runs: only Hyper-V containers can. (One that does not run is refused for that.)"""
    return faults.Internal(f"cannot pause container {container}: cannot pause Windows Server Containers")


def unpause(container: str) -> faults.Fault:
    """Nothing is ever paused."""
    return faults.Internal(f"Container {container} is not paused")


def check_top(arguments: str) -> None:
    """``docker top`` takes no arguments of ps."""
    if arguments:
        raise faults.Internal("Windows does not support arguments to top")


def checkpoint() -> faults.Fault:
    """Every checkpoint call. They are experimental, and with that switched on a Windows engine refuses them too."""
    return faults.NotImplemented("This experimental feature is disabled by default. Start the Docker daemon in "
                                 "experimental mode in order to enable it.")


def check_update(container: str, current: shapes.HostConfig, wanted: shapes.UpdateRequest, *, cpus: int,
                 version: ApiVersion) -> shapes.HostConfig:
    """The host config after an update: only the restart policy can change. ``container`` is its id."""
    if not version.at_least("1.40"):
        wanted = replace(wanted, pids_limit=None)
    if version.at_least("1.42"):
        wanted = replace(wanted, kernel_memory=0)
    if wanted.pids_limit is not None and wanted.pids_limit <= 0:
        wanted = replace(wanted, pids_limit=0)
    check_restart(wanted.restart_policy)
    limits = {name: getattr(wanted, name) for name in (*LIMITS, *SAID)}
    asked, _unused = check_resources(shapes.HostConfig(**limits), cpus)
    if any(getattr(asked, name) for name in LIMITS) or any(getattr(asked, name) is not None for name in SAID):
        raise faults.Internal(f"Cannot update container {container}: resource updating isn't supported on Windows")
    policy = wanted.restart_policy
    if not policy.name:
        return current
    if current.auto_remove and policy.name != "no":
        raise faults.Internal(f"Cannot update container {container}: Restart policy cannot be updated because "
                              "AutoRemove is enabled for the container")
    return replace(current, restart_policy=policy)


def _check_security(container: str, option: str) -> None:
    name, equals, value = option.partition("=")
    if not equals:
        raise faults.Internal(f"invalid security option: no equals sign in supplied value {option}")
    if name.lower() != "credentialspec":
        raise faults.Internal(f"security option not supported: {name}")
    scheme, mark, where = value.partition("://")
    if not mark or not where or scheme.lower() not in ("file", "registry", "raw"):
        raise faults.Internal("invalid credential spec security option - value must be prefixed by 'file://', "
                              "'registry://', or 'raw://' followed by a non-empty value")
    if scheme.lower() == "file":
        raise _no_spec(container, where)
    if scheme.lower() == "registry":
        raise faults.Internal(f"registry credential spec {quoted(where)} for container {container} was not found")


def _no_spec(container: str, where: str) -> faults.Internal:
    """This engine keeps no credential specs, so no file is ever found; but some places are never looked at."""
    if re.match(r"[A-Za-z]:[/\\]|[/\\]{2}", where):
        return faults.Internal("invalid credential spec: file:// path cannot be absolute")
    place = ntpath.normpath(f"{_SPECS}\\{where}")
    if not place.startswith(_SPECS):
        return faults.Internal(f"invalid credential spec: file:// path must be under {_SPECS}")
    return faults.Internal(f"failed to load credential spec for container {container}: open {place}: The system cannot "
                           "find the file specified.")


def _check_device(path: str) -> None:
    if path.startswith("class/"):
        return
    kind, mark, _unused = path.partition("://")
    if not mark:
        raise faults.Internal(f"invalid device assignment path: '{path}', must be 'class/ID' or 'IDType://ID'")
    if not kind:
        raise faults.Internal(f"invalid device assignment path: '{path}', IDType cannot be empty")
