# SPDX-License-Identifier: Apache-2.0
"""The rules of a create request that every engine has, as they come out on Windows; all are status 400.

Sources (moby 26.1): ``daemon/container.go`` validateContainerConfig and validateHostConfig, ``daemon/create.go``,
``api/types/container/hostconfig.go`` ValidateRestartPolicy, ``opts/{env,hosts}.go``, ``oci/caps`` (Windows knows no
capability, so each but ``ALL`` is unknown), ``daemon/logger/factory.go``, ``moby/sys/signal/signal_windows.go``,
``go-connections/nat``; ``daemon/graphdriver/windows/windows.go`` for the size of a container's disk.
"""

from __future__ import annotations

import ipaddress
import ntpath
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ...dockerapi import faults, shapes
from ...dockerapi.versions import ApiVersion
from ..gotext import quoted, ram_in_bytes
from ..networks.ports import container_port, host_range

MILLISECOND = 1_000_000
"""The shortest time a health check may say, in nanoseconds."""

SIGNALS = {
    "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9, "USR1": 10,
    "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CLD": 17, "CONT": 18,
    "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27,
    "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31}
"""Names and numbers of moby's table for Windows; what they do there is another matter."""

_CACHE_OPTIONS = frozenset({"mode", "max-buffer-size", "cache-disabled", "cache-max-file", "cache-max-size",
                            "cache-compress"})
#: Ways to keep output, with their options and the sentence for another one. The others that an engine on Windows has
#: (awslogs, etwlogs, fluentd, gcplogs, gelf, splunk, syslog) send it elsewhere, and this engine has none of them.
LOG_DRIVERS = {
    "json-file": (frozenset({"max-file", "max-size", "compress", "labels", "labels-regex", "env", "env-regex", "tag"}),
                  "unknown log opt '{}' for json-file log driver"),
    "local": (frozenset({"max-file", "max-size", "compress"}), "unknown log opt '{}' for log driver local"),
}


def check_config(config: shapes.Config, version: ApiVersion) -> shapes.Config:
    """Refuse a Config that cannot be; gives it back with its working directory as Windows writes it."""
    if config.working_dir:
        config = replace(config, working_dir=_working_dir(config.working_dir))
    if config.stop_signal:
        check_signal(config.stop_signal)
    for line in config.env or ():
        if not line.partition("=")[0]:
            raise faults.BadRequest(f"invalid environment variable: {line}")
    if config.healthcheck is not None and not version.at_least("1.44"):
        config = replace(config, healthcheck=replace(config.healthcheck, start_interval=0))
    _check_health(config.healthcheck)
    return config


def check_signal(text: str) -> int:
    """The number of a signal, which is a text with a number other than 0 or a name with or without ``SIG``."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    number = int(text) if digits.isascii() and digits.isdigit() and len(digits) < 10 \
        else SIGNALS.get(text.upper().removeprefix("SIG"), 0)
    if not number:
        raise faults.BadRequest(f"invalid signal: {text}")
    return number


def check_kill(text: str) -> int:
    """The number of the signal of a ``docker kill``, by default that of KILL."""
    number = check_signal(text or "KILL")
    if number not in SIGNALS.values():
        raise faults.BadRequest(f"the windows daemon does not support signal {number}")
    return number


def check_host_config(host: shapes.HostConfig) -> None:
    """Refuse a HostConfig that cannot be; limits and mounts are looked at elsewhere."""
    check_auto_remove(host)
    for line in host.extra_hosts or ():
        _check_extra_host(line)
    for port, bindings in (host.port_bindings or {}).items():
        _check_port(port, bindings or ())
    check_restart(host.restart_policy)
    _check_capabilities("CapAdd", host.cap_add or ())
    _check_capabilities("CapDrop", host.cap_drop or ())
    if "" in (host.annotations or {}):
        raise faults.BadRequest("invalid Annotations: the empty string is not permitted as an annotation key")


def check_command(config: shapes.Config) -> shapes.Config:
    """Once the image's settings are merged in: there has to be a command. An entrypoint of one empty word is none."""
    if config.entrypoint == ("",):
        config = replace(config, entrypoint=None)
    if not config.entrypoint and not config.cmd:
        raise faults.BadRequest("no command specified")
    return config


def check_logging(log: shapes.LogConfig, default: str = "json-file", defaults: Mapping[str, str] | None = None
                  ) -> shapes.LogConfig:
    """Refuse a log driver that is not there and options it does not have. What the engine has for containers that say
    nothing comes below what is said, where the driver is the same (moby ``daemon/logs.go`` mergeAndVerifyLogConfig)."""
    kind = log.type or default
    options = {**((defaults or {}) if kind == default else {}), **(log.config or {})}
    if kind == "none":
        return replace(log, type=kind, config=options)
    if kind == "logentries":
        raise faults.BadRequest("the logentries logging driver has been deprecated and removed")
    mode = options.get("mode", "")
    if mode not in ("", "blocking", "non-blocking"):
        raise faults.BadRequest(f"logger: logging mode not supported: {mode}")
    if "max-buffer-size" in options:
        if mode != "non-blocking":
            raise faults.BadRequest("logger: max-buffer-size option is only supported with 'mode=non-blocking'")
        try:
            ram_in_bytes(options["max-buffer-size"])
        except ValueError as error:
            raise faults.BadRequest(f"error parsing option max-buffer-size: {error}") from None
    if kind not in LOG_DRIVERS:
        raise faults.BadRequest(f"logger: no log driver named '{kind}' is registered")
    known, text = LOG_DRIVERS[kind]
    for option in options:
        if option not in known | _CACHE_OPTIONS:
            raise faults.BadRequest(text.format(option))
    return replace(log, type=kind, config=options)


def check_storage(host: shapes.HostConfig) -> None:
    """The size of the container's disk has to be a size. moby ignores other keys, and says this with status 500."""
    for option, value in (host.storage_opt or {}).items():
        if option.lower() == "size":
            try:
                ram_in_bytes(value)
            except ValueError as error:
                raise faults.Internal(str(error)) from None


def check_auto_remove(host: shapes.HostConfig) -> None:
    """A container that goes away cannot be started again."""
    if host.auto_remove and host.restart_policy.name not in ("", "no"):
        raise faults.BadRequest("can't create 'AutoRemove' container with restart policy")


def check_restart(policy: shapes.RestartPolicy) -> None:
    """The four names, and retries with one of them only. Without a name anything goes, as old engines wrote it."""
    if policy.name in ("always", "unless-stopped", "no"):
        if policy.maximum_retry_count:
            more = " and cannot be negative" if policy.maximum_retry_count < 0 else ""
            raise faults.BadRequest("invalid restart policy: maximum retry count can only be used with 'on-failure'"
                                    + more)
    elif policy.name == "on-failure":
        if policy.maximum_retry_count < 0:
            raise faults.BadRequest("invalid restart policy: maximum retry count cannot be negative")
    elif policy.name:
        raise faults.BadRequest(f"invalid restart policy: unknown policy '{policy.name}'; use one of 'no', 'always', "
                                "'on-failure', or 'unless-stopped'")


def _working_dir(text: str) -> str:
    path = text.replace("/", "\\")
    if not path.startswith("\\") and not ntpath.splitdrive(path)[1].startswith("\\"):
        raise faults.BadRequest(f"the working directory '{text}' is invalid, it needs to be an absolute path")
    return ntpath.normpath(path)


def _check_health(check: shapes.Healthcheck | None) -> None:
    if check is None:
        return
    for name, value in (("Interval", check.interval), ("Timeout", check.timeout)):
        _check_time(name, value)
    if check.retries < 0:
        raise faults.BadRequest("Retries in Healthcheck cannot be negative")
    for name, value in (("StartPeriod", check.start_period), ("StartInterval", check.start_interval)):
        _check_time(name, value)


def _check_time(name: str, value: int) -> None:
    if value and value < MILLISECOND:
        raise faults.BadRequest(f"{name} in Healthcheck cannot be less than 1ms")


def _check_extra_host(line: str) -> None:
    name, colon, address = line.partition(":")
    if not colon or not name:
        raise faults.BadRequest(f"bad format for add-host: {quoted(line)}")
    if address != "host-gateway" and not is_address(address.strip()):
        raise faults.BadRequest(f"invalid IP address in add-host: {quoted(address)}")


def is_address(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address, without a zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _check_port(port: str, bindings: Iterable[shapes.PortBinding]) -> None:
    if container_port(port) is None:  # moby takes one without a number, and then has nothing to publish
        raise faults.BadRequest(f"invalid port specification: {quoted(port.partition('/')[0])}")
    for binding in bindings:
        if host_range(binding.host_port) is None:
            raise faults.BadRequest(f"invalid port specification: {quoted(binding.host_port)}")


def _check_capabilities(field: str, names: Collection[str]) -> None:
    for name in names:
        upper = name.upper()
        if upper != "ALL":
            full = upper if upper.startswith("CAP_") else f"CAP_{upper}"
            raise faults.BadRequest(f"invalid {field}: unknown capability: {quoted(full)}")
