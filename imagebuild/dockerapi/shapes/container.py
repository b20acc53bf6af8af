# SPDX-License-Identifier: Apache-2.0
"""What an engine tells of containers: lists, inspection, creation, waiting, processes, changes, files.

Source: moby 26.1 ``api/types/types.go``, ``api/types/container/*.go``. Times are texts in RFC 3339 with nanoseconds;
a time that was never is ``0001-01-01T00:00:00Z``.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..duration import NEVER
from ..shape import Anything, Shape, UInt16, key, shape
from .config import Config, HostConfig, PortMap
from .network import EndpointSettings


@shape("types.Port")
class Port(Shape):
    """A port in a list; ``public_port`` 0 is one that is only exposed."""

    ip: str = key("IP", omitempty=True)
    private_port: UInt16 = key("PrivatePort")
    public_port: UInt16 = key("PublicPort", omitempty=True)
    type: str = key("Type", "tcp")


@shape("types.MountPoint")
class MountPoint(Shape):
    """A mount as it was made."""

    type: str = key("Type", omitempty=True)
    name: str = key("Name", omitempty=True)
    source: str = key("Source")
    destination: str = key("Destination")
    driver: str = key("Driver", omitempty=True)
    mode: str = key("Mode")
    rw: bool = key("RW")
    propagation: str = key("Propagation")


@shape()
class SummaryHostConfig(Shape):
    """The one field of HostConfig that lists have."""

    network_mode: str = key("NetworkMode", omitempty=True)


@shape("types.SummaryNetworkSettings")
class SummaryNetworks(Shape):
    """The networks of a container in a list."""

    networks: Mapping[str, EndpointSettings] = key("Networks")


@shape("types.Container")
class Summary(Shape):
    """One row of ``GET /containers/json``; names with their slash, ``created`` in seconds since 1970."""

    id: str = key("Id")
    names: tuple[str, ...] = key("Names")
    image: str = key("Image")
    image_id: str = key("ImageID")
    command: str = key("Command")
    created: int = key("Created")
    ports: tuple[Port, ...] = key("Ports")
    size_rw: int = key("SizeRw", omitempty=True)
    size_root_fs: int = key("SizeRootFs", omitempty=True)
    labels: Mapping[str, str] = key("Labels")
    state: str = key("State")
    status: str = key("Status")
    host_config: SummaryHostConfig = key("HostConfig")
    network_settings: SummaryNetworks = key("NetworkSettings")
    mounts: tuple[MountPoint, ...] = key("Mounts")


@shape("types.HealthcheckResult")
class HealthProbe(Shape):
    """One look at a container's health."""

    start: str = key("Start", NEVER)
    end: str = key("End", NEVER)
    exit_code: int = key("ExitCode")
    output: str = key("Output")


@shape("types.Health")
class Health(Shape):
    """``starting``, ``healthy`` or ``unhealthy``, and the last probes, oldest first."""

    status: str = key("Status")
    failing_streak: int = key("FailingStreak")
    log: tuple[HealthProbe, ...] = key("Log")


@shape("types.ContainerState")
class State(Shape):
    """``created``, ``running``, ``paused``, ``restarting``, ``removing``, ``exited`` or ``dead``, and the flags."""

    status: str = key("Status")
    running: bool = key("Running")
    paused: bool = key("Paused")
    restarting: bool = key("Restarting")
    oom_killed: bool = key("OOMKilled")
    dead: bool = key("Dead")
    pid: int = key("Pid")
    exit_code: int = key("ExitCode")
    error: str = key("Error")
    started_at: str = key("StartedAt", NEVER)
    finished_at: str = key("FinishedAt", NEVER)
    health: Health | None = key("Health", omitempty=True)


@shape("types.GraphDriverData")
class GraphDriver(Shape):
    """Where layers are; ``windowsfilter`` on Windows."""

    data: Mapping[str, str] | None = key("Data")
    name: str = key("Name")


@shape("types.NetworkSettings")
class NetworkSettings(Shape):
    """The network side of an inspected container."""

    bridge: str = key("Bridge")
    sandbox_id: str = key("SandboxID")
    sandbox_key: str = key("SandboxKey")
    ports: PortMap = key("Ports")
    hairpin_mode: bool = key("HairpinMode")
    link_local_ipv6_address: str = key("LinkLocalIPv6Address")
    link_local_ipv6_prefix_len: int = key("LinkLocalIPv6PrefixLen")
    secondary_ip_addresses: tuple[Anything, ...] | None = key("SecondaryIPAddresses")
    secondary_ipv6_addresses: tuple[Anything, ...] | None = key("SecondaryIPv6Addresses")
    endpoint_id: str = key("EndpointID")
    gateway: str = key("Gateway")
    global_ipv6_address: str = key("GlobalIPv6Address")
    global_ipv6_prefix_len: int = key("GlobalIPv6PrefixLen")
    ip_address: str = key("IPAddress")
    ip_prefix_len: int = key("IPPrefixLen")
    ipv6_gateway: str = key("IPv6Gateway")
    mac_address: str = key("MacAddress")
    networks: Mapping[str, EndpointSettings] = key("Networks")


@shape("types.ContainerJSON")
class Inspect(Shape):
    """``GET /containers/{id}/json``; ``name`` with its slash."""

    id: str = key("Id")
    created: str = key("Created")
    path: str = key("Path")
    args: tuple[str, ...] = key("Args")
    state: State = key("State")
    image: str = key("Image")
    resolv_conf_path: str = key("ResolvConfPath")
    hostname_path: str = key("HostnamePath")
    hosts_path: str = key("HostsPath")
    log_path: str = key("LogPath")
    name: str = key("Name")
    restart_count: int = key("RestartCount")
    driver: str = key("Driver")
    platform: str = key("Platform")
    mount_label: str = key("MountLabel")
    process_label: str = key("ProcessLabel")
    app_armor_profile: str = key("AppArmorProfile")
    exec_ids: tuple[str, ...] | None = key("ExecIDs")
    host_config: HostConfig = key("HostConfig")
    graph_driver: GraphDriver = key("GraphDriver")
    size_rw: int | None = key("SizeRw", omitempty=True)
    size_root_fs: int | None = key("SizeRootFs", omitempty=True)
    mounts: tuple[MountPoint, ...] = key("Mounts")
    config: Config = key("Config")
    network_settings: NetworkSettings = key("NetworkSettings")


@shape("container.CreateResponse")
class Created(Shape):
    """The answer of ``POST /containers/create``."""

    id: str = key("Id")
    warnings: tuple[str, ...] = key("Warnings")


@shape("container.ContainerUpdateOKBody")
class Updated(Shape):
    """The answer of ``POST /containers/{id}/update``."""

    warnings: tuple[str, ...] | None = key("Warnings")


@shape("container.WaitExitError")
class WaitError(Shape):
    """Why a wait failed."""

    message: str = key("Message", omitempty=True)


@shape("container.WaitResponse")
class Waited(Shape):
    """The answer of ``POST /containers/{id}/wait``; the code as 32 bits without sign, as Windows has it."""

    error: WaitError | None = key("Error", omitempty=True)
    status_code: int = key("StatusCode")


@shape("container.ContainerTopOKBody")
class Top(Shape):
    """``GET /containers/{id}/top``: ``Name``, ``PID``, ``CPU``, ``Private Working Set`` on Windows."""

    processes: tuple[tuple[str, ...], ...] = key("Processes")
    titles: tuple[str, ...] = key("Titles")


@shape("container.FilesystemChange")
class Change(Shape):
    """One row of ``GET /containers/{id}/changes``: 0 changed, 1 added (never by Windows), 2 deleted."""

    kind: int = key("Kind")
    path: str = key("Path")


@shape("types.ContainerPathStat")
class PathStat(Shape):
    """The header ``X-Docker-Container-Path-Stat``; ``mode`` as Go's ``os.FileMode`` (folders have bit 31)."""

    name: str = key("name")
    size: int = key("size")
    mode: int = key("mode")
    mtime: str = key("mtime", NEVER)
    link_target: str = key("linkTarget")


@shape("types.ContainersPruneReport")
class ContainersPruned(Shape):
    """The answer of ``POST /containers/prune``."""

    deleted: tuple[str, ...] | None = key("ContainersDeleted")
    space_reclaimed: int = key("SpaceReclaimed")


@shape("types.IDResponse")
class Id(Shape):
    """The answer of commit and of exec's creation."""

    id: str = key("Id")
