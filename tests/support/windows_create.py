# SPDX-License-Identifier: Apache-2.0
"""What a Windows engine says of a create request's isolation, limits and other settings, and of them at the start."""

from __future__ import annotations

from typing import Any

from .windows_rules import Row

_DAEMON, _CONFIG, _SPEC = "daemon/daemon_windows.go", "runconfig/hostconfig_windows.go", "daemon/oci_windows.go"
_SPECS = "C:\\ProgramData\\docker\\CredentialSpecs"
_DEVICE = [{"Path": "C:", "Rate": 1}]
_OVER = "Conflicting options: CPU {} takes priority over CPU {} on Windows Server Containers. CPU {} discarded"
_NO_SHARES = "CpuShares is not enforced by this engine"
_SHARES = "a warning more: shares of a processor are taken, and this engine does not enforce them"
_PREFIX = ("invalid credential spec security option - value must be prefixed by 'file://', 'registry://', or 'raw://' "
           "followed by a non-empty value")


def _lacks(rule: str, line: int, name: str, value: Any, key: str = "", version: str = "1.45") -> Row:
    return Row(rule, f"{_DAEMON}:{line}", 400, f"invalid option: Windows does not support {name}",
               {key or name: value}, version=version)


def _at_start(rule: str, line: int, says: str, **host: Any) -> Row:
    return Row(rule, f"{_SPEC}:{line}", 500, says, host, start=True)


def _device(path: str) -> list[dict[str, str]]:
    return [{"PathOnHost": path, "PathInContainer": "", "CgroupPermissions": ""}]


LIMITS = (
    _lacks("blkio-read-bps", 120, "BlkioDeviceReadBps", _DEVICE),
    _lacks("blkio-read-iops", 123, "BlkioDeviceReadIOps", _DEVICE),
    _lacks("blkio-write-bps", 126, "BlkioDeviceWriteBps", _DEVICE),
    _lacks("blkio-write-iops", 129, "BlkioDeviceWriteIOps", _DEVICE),
    _lacks("blkio-weight", 132, "BlkioWeight", 10),
    _lacks("blkio-weight-device", 135, "BlkioWeightDevice", [{"Path": "C:", "Weight": 10}]),
    _lacks("cgroup-parent", 138, "CgroupParent", "/x"),
    _lacks("cpu-period", 141, "CPUPeriod", 1000, "CpuPeriod"),
    _lacks("cpuset-cpus", 144, "CpusetCpus", "0"),
    _lacks("cpuset-mems", 147, "CpusetMems", "0"),
    _lacks("kernel-memory", 150, "KernelMemory", 1, version="1.41"),
    Row("kernel-memory", "api/server/router/container/container_routes.go:561", 201, host={"KernelMemory": 1}),
    _lacks("memory-reservation", 153, "MemoryReservation", 1 << 20),
    _lacks("memory-swap", 156, "MemorySwap", -1),
    _lacks("memory-swappiness", 159, "MemorySwappiness", 0),
    Row("memory-swappiness", "daemon/daemon.go:1581", 201, host={"MemorySwappiness": -1}),
    _lacks("oom-kill-disable", 162, "OomKillDisable", True),
    Row("oom-kill-disable", f"{_DAEMON}:161", 201, host={"OomKillDisable": False}),
    _lacks("pids-limit", 165, "PidsLimit", 100),
    Row("pids-limit", "api/server/router/container/container_routes.go:636", 201, host={"PidsLimit": -1}),
    _lacks("ulimits", 168, "Ulimits", [{"Name": "nofile", "Soft": 1, "Hard": 1}]),
    Row("cpu-quota", f"{_DAEMON}:74", 201, host={"CpuQuota": 1000},
        warns=("CpuQuota has no effect on Windows; use NanoCpus",), ours="moby takes it and does nothing, silently"),
    Row("cpu-realtime", f"{_CONFIG}:52", 500, "Windows does not support CPU real-time period",
        {"CpuRealtimePeriod": 1}),
    Row("cpu-realtime", f"{_CONFIG}:55", 500, "Windows does not support CPU real-time runtime",
        {"CpuRealtimeRuntime": 1}),
    Row("privileged", f"{_CONFIG}:63", 500, "Windows does not support privileged mode", {"Privileged": True}),
    Row("readonly-rootfs", f"{_CONFIG}:71", 500, "Windows does not support root filesystem in read-only mode",
        {"ReadonlyRootfs": True}),
    Row("memory-limit", f"{_SPEC}:450", 201, host={"Memory": 150 << 20}),
    Row("io-limits", f"{_SPEC}:460", 201, host={"IOMaximumIOps": 1, "IOMaximumBandwidth": 1},
        warns=("IOMaximumIOps is not enforced by this engine", "IOMaximumBandwidth is not enforced by this engine"),
        ours="Windows enforces them"),
    Row("restart-policy", "api/types/container/hostconfig.go:322", 201, host={"RestartPolicy": {"Name": "always"}}),
    Row("capabilities", "daemon/container.go:309", 400, 'invalid CapAdd: unknown capability: "CAP_NET_ADMIN"',
        {"CapAdd": ["NET_ADMIN"]}),
    Row("links", f"{_DAEMON}:447", 201, warns=("Links have no effect on Windows; name them for a network of your own",),
        host={"Links": ["web:db"]}, ours="moby does nothing with them, silently"),
)

PROCESSORS = (
    Row("cpu-precedence", f"{_DAEMON}:82", 201, host={"CpuCount": 1, "CpuShares": 5, "CpuPercent": 5},
        warns=(_OVER.format("count", "shares", "shares"), _OVER.format("count", "percent", "percent"))),
    Row("cpu-precedence", f"{_DAEMON}:91", 201, host={"CpuShares": 5, "CpuPercent": 5},
        warns=(_OVER.format("shares", "percent", "percent"), _NO_SHARES), ours=_SHARES),
    Row("cpu-precedence-hyperv", f"{_DAEMON}:76", 201, warns=(_NO_SHARES,), ours=_SHARES,
        host={"Isolation": "hyperv", "CpuCount": 1, "CpuShares": 5, "CpuPercent": 5}),
    Row("cpu-shares-range", f"{_DAEMON}:98", 400, "range of CPUShares is from 1 to 10000", {"CpuShares": 10_001}),
    Row("cpu-shares-range", f"{_DAEMON}:98", 400, "range of CPUShares is from 1 to 10000", {"CpuShares": -1}),
    Row("cpu-percent-range", f"{_DAEMON}:101", 400, "range of CPUPercent is from 1 to 100", {"CpuPercent": 101}),
    Row("cpu-count-negative", f"{_DAEMON}:104", 400, "invalid CPUCount: CPUCount cannot be negative", {"CpuCount": -1}),
    Row("cpu-count-clamped", "libcontainerd/local/local_windows.go", 204, host={"CpuCount": 100_000}, start=True),
    Row("nanocpus-percent", f"{_DAEMON}:108", 400,
        "conflicting options: Nano CPUs and CPU Percent cannot both be set", {"NanoCpus": 10 ** 8, "CpuPercent": 5}),
    Row("nanocpus-shares", f"{_DAEMON}:111", 400,
        "conflicting options: Nano CPUs and CPU Shares cannot both be set", {"NanoCpus": 10 ** 8, "CpuShares": 5}),
    Row("nanocpus-range", f"{_DAEMON}:116", 400,
        "range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available", {"NanoCpus": 10 ** 15}),
    Row("isolation-values", f"{_CONFIG}:39", 500,
        "Invalid isolation: \"vm\". Windows supports 'default', 'process', or 'hyperv'", {"Isolation": "vm"}),
    Row("isolation-values", "api/types/container/hostconfig_windows.go:24", 204, host={"Isolation": "Process"},
        start=True),
    Row("isolation-hyperv", "libcontainerd/local/local_windows.go", 500, "hcs::CreateComputeSystem {id}: The virtual "
        "machine could not be started because a required feature is not installed.", {"Isolation": "hyperv"},
        start=True, ours="there is no Hyper-V below it: what HCS says on a host without it"),
)

OPTIONS = (
    Row("storage-size", "daemon/graphdriver/windows/windows.go:936", 201, host={"StorageOpt": {"size": "20GB"}},
        warns=("StorageOpt is not enforced by this engine",), ours="a warning more: disks have no size here"),
    Row("storage-size", "go-units/size.go:94", 500, "invalid size: 'big'",
        {"StorageOpt": {"size": "big"}}),
    _at_start("security-opt", 357, "invalid security option: no equals sign in supplied value no-new-privileges",
              SecurityOpt=["no-new-privileges"]),
    _at_start("security-opt", 361, "security option not supported: seccomp", SecurityOpt=["seccomp=unconfined"]),
    _at_start("credential-spec", 339, _PREFIX, SecurityOpt=["credentialspec=x.json"]),
    _at_start("credential-spec", 339, _PREFIX, SecurityOpt=["credentialspec=config://x"]),
    _at_start("credential-spec", 515, "invalid credential spec: file:// path cannot be absolute",
              SecurityOpt=["credentialspec=file://C:\\x.json"]),
    _at_start("credential-spec", 520, f"invalid credential spec: file:// path must be under {_SPECS}",
              SecurityOpt=["credentialspec=file://..\\..\\x.json"]),
    _at_start("credential-spec", 524, f"failed to load credential spec for container {{id}}: open {_SPECS}\\x.json: "
              "The system cannot find the file specified.", SecurityOpt=["credentialspec=file://x.json"]),
    _at_start("credential-spec", 502, 'registry credential spec "x" for container {id} was not found',
              SecurityOpt=["credentialspec=registry://x"]),
    Row("credential-spec", f"{_SPEC}:396", 204, host={"SecurityOpt": ["CredentialSpec=raw://{}"]}, start=True,
        warns=("credential specs have no effect on this engine",), ours="a warning more: there is no domain"),
    _at_start("devices", 539, "invalid device assignment path: '/dev/fuse', must be 'class/ID' or 'IDType://ID'",
              Devices=_device("/dev/fuse")),
    _at_start("devices", 542, "invalid device assignment path: '://x', IDType cannot be empty",
              Devices=_device("://x")),
    Row("devices", f"{_SPEC}:531", 204, host={"Devices": _device("class/86E0D1E0-8089-11D0-9CE4-08003E301F73")},
        start=True, warns=("Devices are not given to containers by this engine",),
        ours="a warning more: this engine has none"),
)

ROWS = (*LIMITS, *PROCESSORS, *OPTIONS)
