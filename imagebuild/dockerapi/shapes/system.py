# SPDX-License-Identifier: Apache-2.0
"""The engine itself: version, info, events, what takes space.

Source: moby 26.1 ``api/types/types.go`` (Version, DiskUsage), ``api/types/system/info.go``, ``api/types/events``,
``api/types/registry/registry.go``, ``api/types/swarm/swarm.go``.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..shape import Anything, Shape, key, shape
from .container import Summary
from .image import ImageSummary
from .volume import Volume


@shape()
class PlatformName(Shape):
    """The product's name."""

    name: str = key("Name")


@shape("types.ComponentVersion")
class Component(Shape):
    """A part of the engine."""

    name: str = key("Name")
    version: str = key("Version")
    details: Mapping[str, str] | None = key("Details", omitempty=True)


@shape("types.Version")
class Version(Shape):
    """``GET /version``."""

    platform: PlatformName = key("Platform")
    components: tuple[Component, ...] = key("Components", omitempty=True)
    version: str = key("Version")
    api_version: str = key("ApiVersion")
    min_api_version: str = key("MinAPIVersion", omitempty=True)
    git_commit: str = key("GitCommit")
    go_version: str = key("GoVersion")
    os: str = key("Os")
    arch: str = key("Arch")
    kernel_version: str = key("KernelVersion", omitempty=True)
    experimental: bool = key("Experimental", omitempty=True)
    build_time: str = key("BuildTime", omitempty=True)


@shape("system.PluginsInfo")
class Plugins(Shape):
    """Drivers by kind."""

    volume: tuple[str, ...] = key("Volume")
    network: tuple[str, ...] = key("Network")
    authorization: tuple[str, ...] | None = key("Authorization")
    log: tuple[str, ...] = key("Log")


@shape("registry.IndexInfo")
class IndexInfo(Shape):
    """A registry that the engine knows by name."""

    name: str = key("Name")
    mirrors: tuple[str, ...] = key("Mirrors")
    secure: bool = key("Secure")
    official: bool = key("Official")


@shape("registry.ServiceConfig")
class RegistryConfig(Shape):
    """How registries are reached."""

    nondistributable_cidrs: tuple[str, ...] | None = key("AllowNondistributableArtifactsCIDRs")
    nondistributable_hostnames: tuple[str, ...] | None = key("AllowNondistributableArtifactsHostnames")
    insecure_cidrs: tuple[str, ...] = key("InsecureRegistryCIDRs")
    index_configs: Mapping[str, IndexInfo] = key("IndexConfigs")
    mirrors: tuple[str, ...] | None = key("Mirrors")


@shape("swarm.Info")
class Swarm(Shape):
    """Always inactive here."""

    node_id: str = key("NodeID")
    node_addr: str = key("NodeAddr")
    local_node_state: str = key("LocalNodeState", "inactive")
    control_available: bool = key("ControlAvailable")
    error: str = key("Error")
    remote_managers: tuple[Anything, ...] | None = key("RemoteManagers")


@shape("system.Commit")
class Commit(Shape):
    """The version of a program that the engine uses."""

    id: str = key("ID")
    expected: str = key("Expected")


@shape("system.Info")
class Info(Shape):
    """``GET /info``. ``os_version`` and ``operating_system`` are what decides which images run."""

    id: str = key("ID")
    containers: int = key("Containers")
    containers_running: int = key("ContainersRunning")
    containers_paused: int = key("ContainersPaused")
    containers_stopped: int = key("ContainersStopped")
    images: int = key("Images")
    driver: str = key("Driver")
    driver_status: tuple[tuple[str, str], ...] | None = key("DriverStatus")
    plugins: Plugins = key("Plugins")
    memory_limit: bool = key("MemoryLimit")
    swap_limit: bool = key("SwapLimit")
    cpu_cfs_period: bool = key("CpuCfsPeriod")
    cpu_cfs_quota: bool = key("CpuCfsQuota")
    cpu_shares: bool = key("CPUShares")
    cpu_set: bool = key("CPUSet")
    pids_limit: bool = key("PidsLimit")
    ipv4_forwarding: bool = key("IPv4Forwarding")
    bridge_nf_iptables: bool = key("BridgeNfIptables")
    bridge_nf_ip6tables: bool = key("BridgeNfIp6tables")
    debug: bool = key("Debug")
    n_fd: int = key("NFd", -1)
    oom_kill_disable: bool = key("OomKillDisable")
    n_goroutines: int = key("NGoroutines")
    system_time: str = key("SystemTime")
    logging_driver: str = key("LoggingDriver")
    cgroup_driver: str = key("CgroupDriver")
    cgroup_version: str = key("CgroupVersion", omitempty=True)
    n_events_listener: int = key("NEventsListener")
    kernel_version: str = key("KernelVersion")
    operating_system: str = key("OperatingSystem")
    os_version: str = key("OSVersion")
    os_type: str = key("OSType")
    architecture: str = key("Architecture")
    index_server_address: str = key("IndexServerAddress")
    registry_config: RegistryConfig | None = key("RegistryConfig")
    n_cpu: int = key("NCPU")
    mem_total: int = key("MemTotal")
    generic_resources: tuple[Anything, ...] | None = key("GenericResources")
    docker_root_dir: str = key("DockerRootDir")
    http_proxy: str = key("HttpProxy")
    https_proxy: str = key("HttpsProxy")
    no_proxy: str = key("NoProxy")
    name: str = key("Name")
    labels: tuple[str, ...] = key("Labels")
    experimental_build: bool = key("ExperimentalBuild")
    server_version: str = key("ServerVersion")
    runtimes: Mapping[str, Anything] | None = key("Runtimes")
    default_runtime: str = key("DefaultRuntime")
    swarm: Swarm = key("Swarm")
    live_restore_enabled: bool = key("LiveRestoreEnabled")
    isolation: str = key("Isolation")
    init_binary: str = key("InitBinary")
    containerd_commit: Commit = key("ContainerdCommit")
    runc_commit: Commit = key("RuncCommit")
    init_commit: Commit = key("InitCommit")
    security_options: tuple[str, ...] | None = key("SecurityOptions")
    product_license: str = key("ProductLicense", omitempty=True)
    cdi_spec_dirs: tuple[str, ...] | None = key("CDISpecDirs")
    warnings: tuple[str, ...] | None = key("Warnings")


@shape("events.Actor")
class Actor(Shape):
    """Whom an event is about."""

    id: str = key("ID")
    attributes: Mapping[str, str] = key("Attributes")


@shape("events.Message")
class Event(Shape):
    """One line of ``GET /events``. ``status``, ``id`` and ``from_`` are the old names, for containers and images."""

    status: str = key("status", omitempty=True)
    id: str = key("id", omitempty=True)
    from_: str = key("from", omitempty=True)
    type: str = key("Type")
    action: str = key("Action")
    actor: Actor = key("Actor")
    scope: str = key("scope", omitempty=True)
    time: int = key("time", omitempty=True)
    time_nano: int = key("timeNano", omitempty=True)


@shape("types.DiskUsage")
class DiskUsage(Shape):
    """``GET /system/df``; what was not asked for is null."""

    layers_size: int = key("LayersSize")
    images: tuple[ImageSummary, ...] | None = key("Images")
    containers: tuple[Summary, ...] | None = key("Containers")
    volumes: tuple[Volume, ...] | None = key("Volumes")
    build_cache: tuple[Anything, ...] | None = key("BuildCache")
