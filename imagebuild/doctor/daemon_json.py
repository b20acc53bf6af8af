# SPDX-License-Identifier: Apache-2.0
"""daemon.json as far as checks ask for it: whether dockerd would take it, and a few of its settings."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_PLURALS = {"hosts": ("host", "H"), "labels": ("label",), "exec-opts": ("exec-opt",), "log-opts": ("log-opt",),
            "storage-opts": ("storage-opt",), "registry-mirrors": ("registry-mirror",), "debug": ("debug", "D"),
            "insecure-registries": ("insecure-registry",), "group": ("group", "G"), "log-level": ("log-level", "l"),
            "bridge": ("bridge", "b"), "pidfile": ("pidfile", "p")}
"""Keys whose flag has another name, or a short one (moby/moby:cmd/dockerd/config.go)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The ``values`` of the file, empty when there are none; ``error`` says what is wrong with it."""

    values: dict[str, Any]
    error: str = ""


def read(text: str) -> Settings:
    """What a daemon.json holds. An empty one is fine."""
    if not text.strip():
        return Settings({})
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        return Settings({}, f"line {error.lineno}, column {error.colno}: {error.msg}")
    except (ValueError, RecursionError):
        return Settings({}, "a number is too long, or it is nested too deeply")
    if not isinstance(values, dict):
        return Settings({}, "it is no JSON object")
    return Settings(values)


def twice(settings: Settings, arguments: str) -> tuple[str, ...]:
    """Keys that stand in the file and on the service's command line, too: dockerd refuses to start then
    (moby/moby:daemon/config/config.go, findConfigurationConflicts)."""
    flags = set(re.findall(r"(?:^|\s)--?([A-Za-z][\w-]*)", arguments))
    return tuple(sorted(key for key in settings.values if flags & set(_PLURALS.get(key, (key,)))))


def proxies(settings: Settings) -> tuple[str, ...]:
    """The addresses under ``proxies``, where there are any."""
    found = settings.values.get("proxies")
    values = [found.get(name) for name in ("http-proxy", "https-proxy")] if isinstance(found, dict) else []
    return tuple(value for value in values if isinstance(value, str) and value)
