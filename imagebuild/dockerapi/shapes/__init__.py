# SPDX-License-Identifier: Apache-2.0
"""What goes over the wire as JSON, a class each: ``shapes.HostConfig``, ``shapes.Inspect``, ``shapes.Event``.

Read with ``shapes.from_json(shapes.CreateRequest, document)`` (``await request.json(shape)`` does it), written
by :func:`~..respond.json`. Keys, zero values and what is left out when empty are moby 26.1's.
"""

from __future__ import annotations

from ..shape import Shape, from_json, to_json
from .config import (
    BindOptions,
    Config,
    CreateRequest,
    DeviceMapping,
    Healthcheck,
    HostConfig,
    LogConfig,
    Mount,
    MountDriver,
    PortBinding,
    PortMap,
    Resources,
    RestartPolicy,
    TmpfsOptions,
    Ulimit,
    UpdateRequest,
    VolumeOptions,
)
from .container import (
    Change,
    ContainersPruned,
    Created,
    GraphDriver,
    Health,
    HealthProbe,
    Id,
    Inspect,
    MountPoint,
    NetworkSettings,
    PathStat,
    Port,
    State,
    Summary,
    SummaryHostConfig,
    SummaryNetworks,
    Top,
    Updated,
    Waited,
    WaitError,
)
from .execution import ExecCreate, ExecInspect, ExecProcess, ExecStart
from .image import (
    AuthConfig,
    Authenticated,
    HistoryItem,
    ImageDeleted,
    ImageInspect,
    ImageMetadata,
    ImagesPruned,
    ImageSummary,
    RootFs,
)
from .network import (
    EndpointIpam,
    EndpointResource,
    EndpointSettings,
    Ipam,
    IpamConfig,
    Network,
    NetworkConnect,
    NetworkCreate,
    NetworkCreated,
    NetworkDisconnect,
    NetworkingConfig,
    NetworksPruned,
)
from .stats import CpuStats, CpuUsage, MemoryStats, NetworkStats, Stats, StorageStats
from .system import (
    Actor,
    Commit,
    Component,
    DiskUsage,
    Event,
    IndexInfo,
    Info,
    PlatformName,
    Plugins,
    RegistryConfig,
    Swarm,
    Version,
)
from .volume import Volume, VolumeCreate, VolumeList, VolumesPruned, VolumeUsage

__all__ = [
    "Actor", "AuthConfig", "Authenticated", "BindOptions", "Change", "Commit", "Component", "Config",
    "ContainersPruned", "CpuStats", "CpuUsage", "CreateRequest", "Created", "DeviceMapping", "DiskUsage",
    "EndpointIpam", "EndpointResource", "EndpointSettings", "Event", "ExecCreate", "ExecInspect", "ExecProcess",
    "ExecStart", "GraphDriver", "Health", "HealthProbe", "Healthcheck", "HistoryItem", "HostConfig", "Id",
    "ImageDeleted", "ImageInspect", "ImageMetadata", "ImageSummary", "ImagesPruned", "IndexInfo", "Info", "Inspect",
    "Ipam", "IpamConfig", "LogConfig", "MemoryStats", "Mount", "MountDriver", "MountPoint", "Network",
    "NetworkConnect", "NetworkCreate", "NetworkCreated", "NetworkDisconnect", "NetworkSettings", "NetworkStats",
    "NetworkingConfig", "NetworksPruned", "PathStat", "PlatformName", "Plugins", "Port", "PortBinding", "PortMap",
    "RegistryConfig", "Resources", "RestartPolicy", "RootFs", "Shape", "State", "Stats", "StorageStats", "Summary",
    "SummaryHostConfig", "SummaryNetworks", "Swarm", "TmpfsOptions", "Top", "Ulimit", "UpdateRequest", "Updated",
    "Version", "Volume", "VolumeCreate", "VolumeList", "VolumeOptions", "VolumeUsage", "VolumesPruned", "WaitError",
    "Waited", "from_json", "to_json",
]
