# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container shall be, from a task's arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ....imagebuild.containers import Attachment, Health, Mount, Port, Spec
from ....imagebuild.errors import UsageError, quoted
from .._task import Task, TaskError

_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_TIME = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PLAIN = {"hostname": "hostname", "domainname": "domainname", "user": "user", "working_dir": "workdir",
          "isolation": "isolation", "network_mode": "network", "credential_spec": "credential_spec",
          "log_driver": "log_driver", "stop_signal": "stop_signal"}
"""Arguments that are facts of a :class:`Spec` as they are."""
_MANY = {"command": "command", "entrypoint": "entrypoint", "dns_servers": "dns", "dns_search_domains": "dns_search"}
_PAIRS = {"env": "environ", "labels": "labels", "log_options": "log_options", "storage_opts": "storage_options",
          "etc_hosts": "hosts"}


def spec_of(task: Task) -> Spec:
    """Return the container that the task asks for. Raises TaskError for values that have no meaning."""
    args = task.args
    facts: dict[str, Any] = {to: args[name] for name, to in _PLAIN.items() if args.get(name)}
    facts.update({to: [str(word) for word in args[name]] for name, to in _MANY.items() if args.get(name) is not None})
    facts.update({to: {str(key): _text(value) for key, value in args[name].items()}
                  for name, to in _PAIRS.items() if args.get(name)})
    facts["memory"] = size(args.get("memory"), "memory")
    facts["cpus"] = float(args.get("cpus") or 0)
    facts["mounts"] = tuple(_mount(one) for one in args.get("mounts") or [])
    facts["exposed"] = [Port.parse(port).key for port in args.get("exposed_ports") or []]
    facts["stdin"], facts["tty"] = bool(args.get("interactive")), bool(args.get("tty"))
    facts["auto_remove"] = bool(args.get("auto_remove"))
    facts["stop_seconds"] = args.get("stop_timeout")
    facts["restart"] = _restart(args)
    facts["health"] = _health(args.get("healthcheck"))
    networks = [_attachment(one) for one in args.get("networks") or []]
    if networks and not facts.get("network"):
        facts["network"] = networks[0].network
    facts["attachments"] = tuple(networks)
    for one in networks:
        if one.network == facts.get("network"):
            facts["aliases"], facts["address"] = one.aliases, one.ipv4_address
    try:
        facts["ports"] = tuple(Port.parse(port) for port in args.get("published_ports") or [])
        return Spec.of(task.text("image"), name=task.text("name"), **facts)
    except UsageError as error:
        raise TaskError(". ".join(error.lines())) from error


def size(value: object, name: str) -> int:
    """Bytes of ``512m`` or ``2g``; 0 for nothing. Raises TaskError for another text."""
    if value in (None, ""):
        return 0
    found = _SIZE.fullmatch(str(value).strip())
    if found is None:
        raise TaskError(f"{name} is a size like 512m or 2g, not {quoted(value)}")
    power = " kmgt".index(found[2].lower() or " ")
    return int(float(found[1]) * 1024 ** power)


def seconds(value: object, name: str) -> float:
    """Seconds of ``1m30s``, ``500ms`` or a number. Raises TaskError for another text."""
    text = str(value or "").strip()
    if not text:
        return 0.0
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    parts = _TIME.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise TaskError(f"{name} is a time like 30s or 1m30s, not {quoted(value)}")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _mount(value: Mapping[str, Any]) -> Mount:
    return Mount(str(value.get("source") or ""), str(value["target"]), value.get("type") or "bind",
                 bool(value.get("read_only")))


def _attachment(value: Mapping[str, Any]) -> Attachment:
    return Attachment(network=str(value["name"]), aliases=tuple(map(str, value.get("aliases") or ())),
                      ipv4_address=str(value.get("ipv4_address") or ""))


def _restart(args: Mapping[str, Any]) -> str:
    policy, most = args.get("restart_policy") or "", args.get("restart_retries")
    return f"{policy}:{most}" if most and policy == "on-failure" else str(policy)


def _health(value: Mapping[str, Any] | None) -> Health | None:
    if not value:
        return None
    test = value.get("test")
    words = ("CMD-SHELL", test) if isinstance(test, str) and test != "NONE" else \
        (test,) if isinstance(test, str) else tuple(map(str, test or ()))
    if len(words) > 1 and words[0] not in ("CMD", "CMD-SHELL", "NONE"):
        words = ("CMD", *words)
    return Health(test=tuple(map(str, words)), retries=int(value.get("retries") or 0),
                  **{name: seconds(value.get(name), f"healthcheck.{name}")
                     for name in ("interval", "timeout", "start_period")})


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
