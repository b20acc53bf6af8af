# SPDX-License-Identifier: Apache-2.0
"""What a Linux machine says of itself: the facts that mean something there, and no others."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ...windows.facts import docker_info as dockerinfo
from ...windows.facts.host import EngineFacts, HostFacts
from ...windows.facts.machine import ClockFacts, DaemonFacts, HypervisorFacts, MachineFacts, Proxy, SystemFacts, Volume
from ..answers import Answers

_CPUS = {"GenuineIntel": "intel", "AuthenticAMD": "amd"}


def facts(root: Path, environment: Mapping[str, str], answers: Answers, *, machine: str, kernel: str,
          name: str) -> MachineFacts:
    """The facts below ``root`` (``/``), with what the engine answered. ``machine`` is the processor's name."""
    engine, daemon = _engine(answers)
    processor = _read(root / "proc/cpuinfo")
    vendor = re.search(r"^vendor_id\s*:\s*(\S+)", processor, re.MULTILINE)
    words = set(re.findall(r"\S+", (re.search(r"^flags\s*:(.*)", processor, re.MULTILINE) or [""])[0]))
    dmi = root / "sys/class/dmi/id"
    return MachineFacts(
        host=HostFacts(os="linux", architecture=dockerinfo.go_architecture(machine), engine=engine, name=name,
                       source="this machine"),
        system=SystemFacts(product_name=_distribution(_read(root / "etc/os-release")), kernel=kernel),
        hypervisor=HypervisorFacts(
            is_vm="hypervisor" in words if words else None, manufacturer=_read(dmi / "sys_vendor").strip() or None,
            model=_read(dmi / "product_name").strip() or None, cpu=_CPUS.get(vendor[1], vendor[1]) if vendor else None,
            firmware=bool(words & {"vmx", "svm"}) if words else None,
            slat=bool(words & {"ept", "npt"}) if words else None, memory=_memory(_read(root / "proc/meminfo")),
            processors=os.cpu_count()),
        daemon=daemon, volumes=_volumes(root, _read(root / "proc/mounts"), daemon.data_root),
        proxies=_proxies(environment), clock=ClockFacts(now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))


def without_credentials(url: str) -> str:
    """An address without user and password."""
    return re.sub(r"(?i)^((?:[a-z][a-z0-9+.-]*:)?//)?[^/\s]*@", lambda found: found[1] or "", url.strip())


def _engine(answers: Answers) -> tuple[EngineFacts | None, DaemonFacts]:
    if answers.info is None:
        return None, DaemonFacts(error=answers.error)
    root, driver = answers.info.get("DockerRootDir"), answers.info.get("Driver")
    return dockerinfo.engine_of(answers.info, answers.version), DaemonFacts(
        data_root=root if isinstance(root, str) else None, driver=driver if isinstance(driver, str) else None)


def _distribution(text: str) -> str | None:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', text, re.MULTILINE)
    return found[1].strip() or None if found else None


def _memory(text: str) -> int | None:
    found = re.search(r"^MemTotal:\s*(\d{1,15}) kB", text, re.MULTILINE)
    return int(found[1]) << 10 if found else None


def _volumes(root: Path, mounts: str, data_root: str | None) -> tuple[Volume, ...] | None:
    """The file system of ``/``, and that of the engine's data where it is another one."""
    kinds = {parts[1]: parts[2] for line in mounts.splitlines() if len(parts := line.split()) > 2}
    places = ["/"]
    if data_root:
        fitting = [place for place in kinds if (data_root + "/").startswith(place.rstrip("/") + "/")]
        places += [max(fitting, key=len)] if fitting and max(fitting, key=len) != "/" else []
    out = []
    for place in places:
        try:
            found = os.statvfs(root / place.lstrip("/"))
        except (OSError, AttributeError, ValueError):
            continue
        out.append(Volume(place, kinds.get(place), found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail))
    return tuple(out) or None


def _proxies(environment: Mapping[str, str]) -> tuple[Proxy, ...]:
    def said(name: str) -> str | None:
        return environment.get(name) or environment.get(name.lower()) or None

    http, https = said("HTTP_PROXY"), said("HTTPS_PROXY")
    if not http and not https:
        return ()
    return (Proxy("environment", without_credentials(http) if http else None,
                  without_credentials(https) if https else None, said("NO_PROXY")),)


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(4 << 20)
    except OSError:  # a file that is not there says nothing: the fact stays unknown
        return ""
