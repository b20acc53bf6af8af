# SPDX-License-Identifier: Apache-2.0
"""What a container shall be: ``Config`` (also an image's), ``HostConfig``, mounts, ports, limits, restart policy.

Source: moby 26.1 ``api/types/container/{config,hostconfig}.go``, ``api/types/mount/mount.go``,
``runconfig/config_*.go``; ``go-connections/nat`` for ports.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..shape import Anything, Int, Names, Shape, UInt16, UInt64, Words, key, shape
from .network import NetworkingConfig


@shape("nat.PortBinding")
class PortBinding(Shape):
    """Where a port of a container is published: both texts may be empty (any address, any port)."""

    host_ip: str = key("HostIp")
    host_port: str = key("HostPort")


#: ``80/tcp`` to where it is published; None or nothing when it is only exposed.
PortMap = Mapping[str, tuple[PortBinding, ...] | None]


@shape("v1.HealthcheckConfig")
class Healthcheck(Shape):
    """How a container's health is looked at; times in nanoseconds, 0 is the default (30 s, 30 s, 0 s, 5 s)."""

    test: tuple[str, ...] = key("Test", omitempty=True)
    interval: int = key("Interval", omitempty=True)
    timeout: int = key("Timeout", omitempty=True)
    start_period: int = key("StartPeriod", omitempty=True)
    start_interval: int = key("StartInterval", omitempty=True)
    retries: Int = key("Retries", omitempty=True)


@shape("container.Config")
class Config(Shape):
    """What does not depend on the machine."""

    hostname: str = key("Hostname")
    domainname: str = key("Domainname")
    user: str = key("User")
    attach_stdin: bool = key("AttachStdin")
    attach_stdout: bool = key("AttachStdout")
    attach_stderr: bool = key("AttachStderr")
    exposed_ports: Names = key("ExposedPorts", omitempty=True)
    tty: bool = key("Tty")
    open_stdin: bool = key("OpenStdin")
    stdin_once: bool = key("StdinOnce")
    env: tuple[str, ...] | None = key("Env")
    cmd: Words = key("Cmd")
    healthcheck: Healthcheck | None = key("Healthcheck", omitempty=True)
    args_escaped: bool = key("ArgsEscaped", omitempty=True)
    image: str = key("Image")
    volumes: Names = key("Volumes")
    working_dir: str = key("WorkingDir")
    entrypoint: Words = key("Entrypoint")
    network_disabled: bool = key("NetworkDisabled", omitempty=True)
    mac_address: str = key("MacAddress", omitempty=True)
    on_build: tuple[str, ...] | None = key("OnBuild")
    labels: Mapping[str, str] | None = key("Labels")
    stop_signal: str = key("StopSignal", omitempty=True)
    stop_timeout: Int | None = key("StopTimeout", omitempty=True)
    shell: Words = key("Shell", omitempty=True)


@shape("container.LogConfig")
class LogConfig(Shape):
    """Where a container's output is kept."""

    type: str = key("Type")
    config: Mapping[str, str] | None = key("Config")


@shape("container.RestartPolicy")
class RestartPolicy(Shape):
    """``no``, ``always``, ``on-failure`` or ``unless-stopped``; retries for ``on-failure`` only."""

    name: str = key("Name")
    maximum_retry_count: Int = key("MaximumRetryCount")


@shape("container.DeviceMapping")
class DeviceMapping(Shape):
    """A device; on Windows by class GUID (``class/…``)."""

    path_on_host: str = key("PathOnHost")
    path_in_container: str = key("PathInContainer")
    cgroup_permissions: str = key("CgroupPermissions")


@shape("units.Ulimit")
class Ulimit(Shape):
    """Refused by a Windows engine."""

    name: str = key("Name")
    hard: int = key("Hard")
    soft: int = key("Soft")


@shape("mount.BindOptions")
class BindOptions(Shape):
    """Options of a bind mount; a Windows engine refuses propagation."""

    propagation: str = key("Propagation", omitempty=True)
    non_recursive: bool = key("NonRecursive", omitempty=True)
    create_mountpoint: bool = key("CreateMountpoint", omitempty=True)
    read_only_non_recursive: bool = key("ReadOnlyNonRecursive", omitempty=True)
    read_only_force_recursive: bool = key("ReadOnlyForceRecursive", omitempty=True)


@shape("mount.Driver")
class MountDriver(Shape):
    """The driver of a volume that a mount makes."""

    name: str = key("Name", omitempty=True)
    options: Mapping[str, str] | None = key("Options", omitempty=True)


@shape("mount.VolumeOptions")
class VolumeOptions(Shape):
    """Options of a volume mount."""

    no_copy: bool = key("NoCopy", omitempty=True)
    labels: Mapping[str, str] | None = key("Labels", omitempty=True)
    subpath: str = key("Subpath", omitempty=True)
    driver_config: MountDriver | None = key("DriverConfig", omitempty=True)


@shape("mount.TmpfsOptions")
class TmpfsOptions(Shape):
    """Refused by a Windows engine."""

    size_bytes: int = key("SizeBytes", omitempty=True)
    mode: int = key("Mode", omitempty=True)


@shape("mount.Mount")
class Mount(Shape):
    """``--mount``: ``bind``, ``volume`` or ``npipe``."""

    type: str = key("Type", omitempty=True)
    source: str = key("Source", omitempty=True)
    target: str = key("Target", omitempty=True)
    read_only: bool = key("ReadOnly", omitempty=True)
    consistency: str = key("Consistency", omitempty=True)
    bind_options: BindOptions | None = key("BindOptions", omitempty=True)
    volume_options: VolumeOptions | None = key("VolumeOptions", omitempty=True)
    tmpfs_options: TmpfsOptions | None = key("TmpfsOptions", omitempty=True)


@shape("container.Resources")
class Resources(Shape):
    """Limits. A Windows engine takes those of the last block and the first three, and refuses most others."""

    cpu_shares: int = key("CpuShares")
    memory: int = key("Memory")
    nano_cpus: int = key("NanoCpus")
    cgroup_parent: str = key("CgroupParent")
    blkio_weight: UInt16 = key("BlkioWeight")
    blkio_weight_device: tuple[Anything, ...] | None = key("BlkioWeightDevice")
    blkio_device_read_bps: tuple[Anything, ...] | None = key("BlkioDeviceReadBps")
    blkio_device_write_bps: tuple[Anything, ...] | None = key("BlkioDeviceWriteBps")
    blkio_device_read_iops: tuple[Anything, ...] | None = key("BlkioDeviceReadIOps")
    blkio_device_write_iops: tuple[Anything, ...] | None = key("BlkioDeviceWriteIOps")
    cpu_period: int = key("CpuPeriod")
    cpu_quota: int = key("CpuQuota")
    cpu_realtime_period: int = key("CpuRealtimePeriod")
    cpu_realtime_runtime: int = key("CpuRealtimeRuntime")
    cpuset_cpus: str = key("CpusetCpus")
    cpuset_mems: str = key("CpusetMems")
    devices: tuple[DeviceMapping, ...] | None = key("Devices")
    device_cgroup_rules: tuple[str, ...] | None = key("DeviceCgroupRules")
    device_requests: tuple[Anything, ...] | None = key("DeviceRequests")
    kernel_memory: int = key("KernelMemory", omitempty=True)
    kernel_memory_tcp: int = key("KernelMemoryTCP", omitempty=True)
    memory_reservation: int = key("MemoryReservation")
    memory_swap: int = key("MemorySwap")
    memory_swappiness: int | None = key("MemorySwappiness")
    oom_kill_disable: bool | None = key("OomKillDisable")
    pids_limit: int | None = key("PidsLimit")
    ulimits: tuple[Ulimit, ...] | None = key("Ulimits")
    cpu_count: int = key("CpuCount")
    cpu_percent: int = key("CpuPercent")
    io_maximum_iops: UInt64 = key("IOMaximumIOps")
    io_maximum_bandwidth: UInt64 = key("IOMaximumBandwidth")


@shape("container.HostConfig")
class HostConfig(Resources):
    """What depends on the machine: mounts, network, ports, limits."""

    binds: tuple[str, ...] | None = key("Binds")
    container_id_file: str = key("ContainerIDFile")
    log_config: LogConfig = key("LogConfig")
    network_mode: str = key("NetworkMode")
    port_bindings: PortMap | None = key("PortBindings")
    restart_policy: RestartPolicy = key("RestartPolicy")
    auto_remove: bool = key("AutoRemove")
    volume_driver: str = key("VolumeDriver")
    volumes_from: tuple[str, ...] | None = key("VolumesFrom")
    console_size: tuple[UInt64, UInt64] = key("ConsoleSize")  #: height, width
    annotations: Mapping[str, str] | None = key("Annotations", omitempty=True)
    cap_add: Words = key("CapAdd")
    cap_drop: Words = key("CapDrop")
    cgroupns_mode: str = key("CgroupnsMode")
    dns: tuple[str, ...] | None = key("Dns")
    dns_options: tuple[str, ...] | None = key("DnsOptions")
    dns_search: tuple[str, ...] | None = key("DnsSearch")
    extra_hosts: tuple[str, ...] | None = key("ExtraHosts")
    group_add: tuple[str, ...] | None = key("GroupAdd")
    ipc_mode: str = key("IpcMode")
    cgroup: str = key("Cgroup")
    links: tuple[str, ...] | None = key("Links")
    oom_score_adj: Int = key("OomScoreAdj")
    pid_mode: str = key("PidMode")
    privileged: bool = key("Privileged")
    publish_all_ports: bool = key("PublishAllPorts")
    readonly_rootfs: bool = key("ReadonlyRootfs")
    security_opt: tuple[str, ...] | None = key("SecurityOpt")
    storage_opt: Mapping[str, str] | None = key("StorageOpt", omitempty=True)
    tmpfs: Mapping[str, str] | None = key("Tmpfs", omitempty=True)
    uts_mode: str = key("UTSMode")
    userns_mode: str = key("UsernsMode")
    shm_size: int = key("ShmSize")
    sysctls: Mapping[str, str] | None = key("Sysctls", omitempty=True)
    runtime: str = key("Runtime", omitempty=True)
    isolation: str = key("Isolation")
    mounts: tuple[Mount, ...] | None = key("Mounts", omitempty=True)
    masked_paths: tuple[str, ...] | None = key("MaskedPaths")
    readonly_paths: tuple[str, ...] | None = key("ReadonlyPaths")
    init: bool | None = key("Init", omitempty=True)


@shape("runconfig.ContainerConfigWrapper")
class CreateRequest(Config):
    """The body of ``POST /containers/create``: a Config with the other two beside its fields."""

    host_config: HostConfig | None = key("HostConfig", omitempty=True)
    networking_config: NetworkingConfig | None = key("NetworkingConfig", omitempty=True)


@shape("container.UpdateConfig")
class UpdateRequest(Resources):
    """The body of ``POST /containers/{id}/update``."""

    restart_policy: RestartPolicy = key("RestartPolicy")
