# SPDX-License-Identifier: Apache-2.0
"""What ``dockerd.exe`` on a host is asked by its command line and its ``daemon.json``: values only.

Flags, keys and sentences: moby 26.1 ``cmd/dockerd/{docker,daemon,config}.go``, ``service_windows.go``,
``daemon/config/config.go``. What moby takes is taken; hosts, data-root, labels, debug and the options of logs have an
effect here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...windows import cmdline

CONFIG = r"C:\ProgramData\docker\config\daemon.json"
PIPE = "npipe:////./pipe/docker_engine"
SERVICE = "docker"

_BOOL, _TEXT, _NUMBER, _LIST, _MAP = "bool", "string", "int", "[]string", "map[string]string"

#: Flags by name: what they take, and the key of daemon.json that says the same.
FLAGS: Mapping[str, tuple[str, str]] = {
    "add-runtime": (_LIST, "runtimes"), "allow-nondistributable-artifacts": (_LIST, "allow-nondistributable-artifacts"),
    "authorization-plugin": (_LIST, "authorization-plugins"), "bridge": (_TEXT, "bridge"),
    "config-file": (_TEXT, ""), "containerd": (_TEXT, "containerd"),
    "containerd-namespace": (_TEXT, "containerd-namespace"),
    "containerd-plugins-namespace": (_TEXT, "containerd-plugin-namespace"), "data-root": (_TEXT, "data-root"),
    "debug": (_BOOL, "debug"), "default-network-opt": (_MAP, "default-network-opts"),
    "default-runtime": (_TEXT, "default-runtime"), "dns": (_LIST, "dns"), "dns-opt": (_LIST, "dns-opts"),
    "dns-search": (_LIST, "dns-search"), "exec-opt": (_LIST, "exec-opts"), "experimental": (_BOOL, "experimental"),
    "fixed-cidr": (_TEXT, "fixed-cidr"), "group": (_TEXT, "group"), "help": (_BOOL, ""),
    "host": (_LIST, "hosts"), "host-gateway-ip": (_TEXT, "host-gateway-ip"), "http-proxy": (_TEXT, "http-proxy"),
    "https-proxy": (_TEXT, "https-proxy"), "insecure-registry": (_LIST, "insecure-registries"),
    "label": (_LIST, "labels"), "log-driver": (_TEXT, "log-driver"), "log-format": (_TEXT, "log-format"),
    "log-level": (_TEXT, "log-level"), "log-opt": (_MAP, "log-opts"),
    "max-concurrent-downloads": (_NUMBER, "max-concurrent-downloads"),
    "max-concurrent-uploads": (_NUMBER, "max-concurrent-uploads"),
    "max-download-attempts": (_NUMBER, "max-download-attempts"), "metrics-addr": (_TEXT, "metrics-addr"),
    "mtu": (_NUMBER, "mtu"), "network-control-plane-mtu": (_NUMBER, "network-control-plane-mtu"),
    "network-diagnostic-port": (_NUMBER, "network-diagnostic-port"), "no-proxy": (_TEXT, "no-proxy"),
    "node-generic-resource": (_LIST, "node-generic-resources"), "pidfile": (_TEXT, "pidfile"),
    "raw-logs": (_BOOL, "raw-logs"), "register-service": (_BOOL, ""), "registry-mirror": (_LIST, "registry-mirrors"),
    "run-service": (_BOOL, ""), "service-name": (_TEXT, ""), "shutdown-timeout": (_NUMBER, "shutdown-timeout"),
    "storage-driver": (_TEXT, "storage-driver"), "storage-opt": (_LIST, "storage-opts"),
    "swarm-default-advertise-addr": (_TEXT, "swarm-default-advertise-addr"), "tls": (_BOOL, "tls"),
    "tlscacert": (_TEXT, "tlscacert"), "tlscert": (_TEXT, "tlscert"), "tlskey": (_TEXT, "tlskey"),
    "tlsverify": (_BOOL, "tlsverify"), "unregister-service": (_BOOL, ""), "validate": (_BOOL, ""),
    "version": (_BOOL, ""),
}
_SHORT = {"b": "bridge", "D": "debug", "G": "group", "h": "help", "H": "host", "l": "log-level", "p": "pidfile",
          "s": "storage-driver", "v": "version"}
#: Keys without a flag on Windows, with what they hold.
_KEYS = {"builder": None, "features": None, "proxies": None, "runtimes": None, "deprecated-key-path": _TEXT,
         "cluster-advertise": _TEXT, "graph": _TEXT, "live-restore": _BOOL, "oom-score-adjust": _NUMBER,
         "default-address-pools": None}
KEYS: Mapping[str, str | None] = {**{key: kind for kind, key in FLAGS.values() if key}, **_KEYS}
_LOG_LEVELS = ("debug", "info", "warn", "error", "fatal", "panic", "trace", "warning")
_LOG_DRIVERS = ("json-file", "local", "none", "etwlogs", "fluentd", "gcplogs", "gelf", "splunk", "syslog", "awslogs")
_GO = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


class Refused(Exception):
    """What dockerd says on its standard error before it ends with 1."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """A command line: flags by name, and as they were written."""

    flags: Mapping[str, Any]
    written: tuple[str, ...]

    @property
    def config_file(self) -> str:
        """The file that is read."""
        return str(self.flags.get("config-file", CONFIG))

    @property
    def service(self) -> str:
        """The name of the service."""
        return str(self.flags.get("service-name", SERVICE))

    def service_line(self, program: str) -> str:
        """The command line that a service of these arguments has."""
        kept = [word for word in self.written if word not in ("--register-service", "--unregister-service")]
        return cmdline.quote((program, "--run-service", *kept))


@dataclass(frozen=True, slots=True)
class DaemonConfig:
    """What the engine of a host is started with."""

    pipes: tuple[str, ...] = ("docker_engine",)
    labels: tuple[str, ...] = ()
    data_root: str = r"C:\ProgramData\docker"
    debug: bool = False
    log_driver: str = "json-file"
    log_options: Mapping[str, str] = field(default_factory=dict)


def parse(words: Sequence[str]) -> Arguments:
    """Read a command line. Refused for what moby does not know."""
    flags: dict[str, Any] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            raise Refused(f'unknown command: dockerd {word}\nSee \'dockerd --help\'.')
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
        else:
            name, equals, value = _SHORT.get(word[1], ""), "=" if len(word) > 2 else "", word[2:].removeprefix("=")
            if not name:
                raise Refused(f"unknown shorthand flag: '{word[1]}' in {word}\nSee 'dockerd --help'.")
        if name not in FLAGS:
            raise Refused(f"unknown flag: --{name}\nSee 'dockerd --help'.")
        kind = FLAGS[name][0]
        if kind == _BOOL:
            flags[name] = _truth(name, value) if equals else True
            continue
        if not equals:
            if not left:
                raise Refused(f"flag needs an argument: --{name}\nSee 'dockerd --help'.")
            value = left.pop(0)
        _put(flags, name, kind, value)
    return Arguments(flags, tuple(words))


def configure(arguments: Arguments, text: bytes | None) -> DaemonConfig:
    """Bring flags and the file (``None``: there is none) together. Refused with moby's words."""
    from_file = _file(arguments, text)
    merged = {FLAGS[name][1] or name: value for name, value in arguments.flags.items()}
    merged |= {key: value for key, value in from_file.items() if value is not None}
    driver = str(merged.get("log-driver", "json-file"))
    if driver not in _LOG_DRIVERS:
        raise Refused(f"failed to set log opts: logger: no log driver named '{driver}' is registered")
    level = str(merged.get("log-level", "info"))
    if level not in _LOG_LEVELS:
        raise Refused(f'invalid logging level: {level}')
    labels = tuple(str(label) for label in merged.get("labels", ()))
    for label in labels:
        if "=" not in label:
            raise Refused(f"bad attribute format: {label}")
    seen: dict[str, str] = {}
    for label in labels:
        key, _unused, value = label.partition("=")
        if seen.setdefault(key, value) != value:
            raise Refused(f"conflict labels for {key}={value} and {key}={seen[key]}")
    return DaemonConfig(tuple(_pipe(str(host)) for host in merged.get("hosts", ()) or (PIPE,)), labels,
                        str(merged.get("data-root", merged.get("graph", r"C:\ProgramData\docker"))),
                        bool(merged.get("debug")), driver,
                        {str(key): str(value) for key, value in dict(merged.get("log-opts", {})).items()})


def _file(arguments: Arguments, text: bytes | None) -> dict[str, Any]:
    path = arguments.config_file
    before = f"unable to configure the Docker daemon with file {path}: "
    if text is None:
        if "config-file" in arguments.flags:
            raise Refused(f"{before}open {path}: The system cannot find the file specified.")
        return {}
    try:
        document = json.loads(text.decode("utf-8-sig").strip() or "{}")
    except UnicodeDecodeError:
        raise Refused(f"{before}invalid character '\\ufffd' looking for beginning of value") from None
    except (ValueError, RecursionError) as error:
        raise Refused(before + _go_error(text.decode("utf-8-sig").strip(), error)) from None
    if not isinstance(document, dict):
        raise Refused(f"{before}json: cannot unmarshal {_GO.get(type(document), 'null')} into Go value of type "
                      "map[string]interface {}")
    unknown = [key for key in document if key not in KEYS]
    if unknown:
        raise Refused(f"{before}the following directives don't match any configuration option: {', '.join(unknown)}")
    both = [f"{FLAGS[name][1]}: (from flag: {_go(value)}, from file: {_go(document[FLAGS[name][1]])})"
            for name, value in arguments.flags.items() if FLAGS[name][1] in document]
    if both:
        raise Refused(f"{before}the following directives are specified both as a flag and in the configuration file: "
                      f"{', '.join(both)}")
    for key, value in document.items():
        _check_kind(before, key, value)
    return document


def _check_kind(before: str, key: str, value: Any) -> None:
    kind = KEYS[key]
    right = {_BOOL: bool, _TEXT: str, _NUMBER: int, _LIST: list, _MAP: dict}.get(kind or "")
    if right is None or value is None:
        return
    if not isinstance(value, right) or (right is int and isinstance(value, bool)):
        raise Refused(f"{before}json: cannot unmarshal {_GO.get(type(value), 'null')} into Go struct field "
                      f"Config.{key} of type {kind}")
    inside = value if isinstance(value, list) else value.values() if isinstance(value, dict) and kind == _MAP else ()
    for one in inside:
        if not isinstance(one, str):
            if key == "default-network-opts":
                continue
            raise Refused(f"{before}json: cannot unmarshal {_GO.get(type(one), 'null')} into Go struct field "
                          f"Config.{key} of type string")


def _pipe(host: str) -> str:
    """The name of the pipe that a host stands for. Refused for what a stand-in host cannot listen on."""
    text = host.strip()
    path = text.partition("://")[2].replace("\\", "/")
    if text.startswith("npipe://") and path.startswith("//./pipe/") and len(path) > len("//./pipe/"):
        return path[len("//./pipe/"):]
    if text.startswith(("tcp://", "unix://", "fd://")):
        raise Refused(f"failed to load listeners: {text}: this dockerd, of a stand-in host, listens on pipes alone "
                      f"({PIPE})")
    raise Refused(f'error parsing -H {text}: Invalid bind address format: {text}')


def _put(flags: dict[str, Any], name: str, kind: str, value: str) -> None:
    if kind == _LIST:
        flags[name] = [*flags.get(name, []), value]
    elif kind == _MAP:
        key, equals, text = value.partition("=")
        if not equals:
            raise Refused(f'invalid argument "{value}" for "--{name}" flag: {value} must be formatted as key=value')
        flags[name] = {**flags.get(name, {}), key: text}
    elif kind == _NUMBER:
        try:
            flags[name] = int(value)
        except ValueError:
            raise Refused(f'invalid argument "{value}" for "--{name}" flag: strconv.ParseInt: parsing "{value}": '
                          "invalid syntax\nSee 'dockerd --help'.") from None
    else:
        flags[name] = value


def _truth(name: str, value: str) -> bool:
    if value in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if value in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise Refused(f'invalid argument "{value}" for "--{name}" flag: strconv.ParseBool: parsing "{value}": invalid '
                  "syntax\nSee 'dockerd --help'.")


def _go(value: Any) -> str:
    """A value as Go's ``%v`` writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{' '.join(map(_go, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_go(one)}' for key, one in sorted(value.items()))}]"
    return str(value)


def _go_error(text: str, error: Exception) -> str:
    """The commonest sentences of Go's JSON reader."""
    at = getattr(error, "pos", 0)
    if at >= len(text):
        return "unexpected EOF" if text else "EOF"
    message = str(error)
    where = "looking for beginning of value"
    if "delimiter" in message:
        where = "after object key:value pair" if text.rstrip()[:1] == "{" and "','" in message else "after object key"
    elif "property name" in message:
        where = "looking for beginning of object key string"
    return f"invalid character {text[at]!r} {where}"
