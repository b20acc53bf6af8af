# SPDX-License-Identifier: Apache-2.0
"""Is the engine the right one? Which it is, what it runs, its version, its store, and its data."""

from __future__ import annotations

from ..compat.engine import engine_of
from ..compat.rules.generations import LTSC, accepts, floor
from ..compat.rules.particulars import CLIENT_PROCESS
from ..windows.facts.machine import MachineFacts
from ..windows.releases import release
from .check import Outcome, build_of, failed, needs_hyperv, numbers, on_windows, passed, question, unknown, warned
from .checks_windows import FLOOR

_DAEMON = "moby/moby:daemon/daemon_windows.go@b985e231"
_INSTALL = "install one: microsoft/Windows-Containers, helpful_tools/Install-DockerCE, or containerd"
_ENGINES = ("docker", "containerd", "com.docker.service")


@question("engine", "Engine", "Something must start containers: dockerd or containerd.",
          "microsoft/Windows-Containers:helpful_tools/Install-DockerCE/install-docker-ce.ps1")
def engine(facts: MachineFacts) -> Outcome | None:
    one = facts.host.engine
    if one is not None and one.version:
        return passed(" ".join(filter(None, [one.kind or "engine", one.version, one.name and f"({one.name})"])))
    if facts.daemon.error:
        return unknown(f"the engine's version: {facts.daemon.error}", "start the engine, or ask as somebody who may "
                                                                      "use it")
    states = [found.state for name in _ENGINES if (found := facts.service(name)) is not None]
    if len(states) >= 2 and set(states) == {"absent"}:
        return failed("none is installed", "neither dockerd nor containerd is a service here", _INSTALL)
    return unknown("the engine's version", "'docker version --format json' on the host, or the collector")


@question("engine-os", "What the engine runs", "An engine runs containers for one system: its own, or that of its "
          "virtual machine.", "docker/for-win#195", "moby/moby:daemon/internal/distribution/config.go@b985e231")
def engine_os(facts: MachineFacts) -> Outcome | None:
    one = facts.host.engine
    if one is None or (not one.os and not one.version):
        return None
    if one.os == "windows":
        return passed("Windows containers")
    if not one.os:
        return unknown("which containers it runs (OSType)", "'docker info --format json' on the host")
    why = ("a Linux daemon cannot start Windows images; it says 'image operating system \"windows\" cannot be used on "
           "this "
           "platform', 'no matching manifest for linux/amd64' or 'unknown blob'")
    if facts.system.product_name == "Docker Desktop" or facts.daemon.desktop:
        remedy = "switch Docker Desktop to Windows containers (DockerCli.exe -SwitchDaemon); Windows must not be Home"
    elif facts.host.os == "windows":
        remedy = "point DOCKER_HOST or the docker context at the Windows engine (npipe:////./pipe/docker_engine)"
    else:
        remedy = "point DOCKER_HOST or a docker context at a Windows host; wcow build needs no engine"
    return failed(f"{one.os} containers", why, remedy)


@question("toolbox", "Docker Toolbox", "Docker Toolbox runs Linux containers in VirtualBox, whatever Windows is "
                                       "around it.",
          "docker-archive/toolbox#898", "docker/roadmap#110")
def toolbox(facts: MachineFacts) -> Outcome | None:
    name = facts.system.product_name or ""
    if not name.lower().startswith("boot2docker"):
        return None
    return failed(name, "this is a small Linux in VirtualBox: it can only run Linux containers, and its server is "
                        "linux/amd64 for ever", "remove Docker Toolbox (it ended in 2020) and its DOCKER_HOST "
                                                "variables; "
                        "use Docker Desktop with Windows containers, or dockerd on Windows Server")


@question("engine-version", "Engine version", "An engine starts from a certain build of Windows on.", _DAEMON,
          "moby/moby@1b3fef5333", "moby/moby#38000")
def engine_version(facts: MachineFacts) -> Outcome | None:
    one = facts.host.engine
    if one is None or one.os == "linux" or one.kind != "docker" or not one.version:
        return None
    version, build = numbers(one.version), build_of(facts)
    if version is None:
        return unknown(f"what version {one.version} is", "'docker version' on the host")
    lowest, _unused = engine_of(facts.host).lowest_host()
    if build is not None and FLOOR <= build < lowest:
        return failed(f"{one.version} on build {build}", f"it needs build {lowest}", "use 20.10, or upgrade Windows")
    if build is not None and build < FLOOR:
        return failed(f"{one.version} on build {build}", f"no engine runs Windows containers below {FLOOR}",
                      "install a current Windows")
    if version < (23, 0, 0):
        return warned(one.version, "it gets no fixes any more, and says less of what it is", "install a current engine")
    return passed(one.version)


@question("engine-api", "Engine API", "Client and engine must have one version of the API in common.",
          "moby/moby:daemon/config/config.go (minimum API version)", "moby/moby:client/client.go")
def engine_api(facts: MachineFacts) -> Outcome | None:
    one = facts.host.engine
    if one is None or one.kind != "docker" or not one.version:
        return None
    newest, oldest = numbers(one.api), numbers(one.min_api)
    if newest is None:
        return unknown("the API versions", "'docker version --format json' on the host")
    said = f"{one.min_api} to {one.api}" if oldest else f"up to {one.api}"
    if newest < (1, 25, 0):
        return warned(said, "current clients say 'client version … is too new'", "set DOCKER_API_VERSION for the "
                                                                                 "client, "
                      "or install a current engine")
    if oldest is not None and oldest >= (1, 44, 0):
        return passed(f"{said}; clients from before Docker 25 are told 'client version … is too old'")
    return passed(said)


@question("engine-store", "Image store", "With the containerd store an engine looks for images of a range of builds, "
          "which ends too high on Windows 11 25H2 and later.", "moby/moby#53397", "containerd/platforms#34")
def engine_store(facts: MachineFacts) -> Outcome | None:
    one, build = facts.host.engine, build_of(facts)
    if one is None or one.os == "linux" or not one.version or not on_windows(facts):
        return None
    if not one.store:
        return unknown("how it keeps images (Driver)", "'docker info --format json' on the host")
    rule = engine_of(facts.host).rule()
    if build is None or one.kind not in ("docker", "containerd") or rule.algorithm == "dockerd-graphdriver" \
            or not accepts("G3", build, LTSC[0]):
        return passed(one.store)
    known = release(LTSC[0])
    oldest = f"images of {known.tag if known else ''} (build {LTSC[0]})"
    if accepts(rule.generation, build, LTSC[0]):
        if rule.confidence == "inferred" and not accepts("G2", build, LTSC[0]):
            return unknown(f"whether {one.kind} {one.version} finds {oldest} on build {build}", "pull one: "
                           "mcr.microsoft.com/windows/nanoserver:ltsc2022")
        return passed(f"{one.store}; it takes images of build {floor(rule.generation, build)} to {build}")
    return warned(f"{one.kind} {one.version} with the containerd store on build {build}",
                  f"its rule ({rule.generation}) takes images of build {floor(rule.generation, build)} to {build} "
                  "only: "
                  f"{oldest} are 'no match for platform in manifest', though this Windows runs them",
                  'use images of its range; or the old store ({"features": {"containerd-snapshotter": false}}); or an '
                  "engine with containerd/platforms 1.0.0-rc.5 or later")


@question("isolation", "Default isolation", "Whether a container shares the host's kernel unless somebody says "
                                            "otherwise.",
          _DAEMON, "moby/moby#38000", "MicrosoftDocs/Virtualization-Documentation#981")
def isolation(facts: MachineFacts) -> Outcome | None:
    one, build = facts.host.engine, build_of(facts)
    if one is None or one.os == "linux" or not one.version or not on_windows(facts):
        return None
    if one.isolation not in ("process", "hyperv"):
        return unknown("the default isolation", "'docker info --format json' on the host")
    if one.isolation == "process" and facts.host.product == "client" and build is not None and build < CLIENT_PROCESS:
        return failed(f"process, on a client of build {build}", f"clients share their kernel from build "
                                                                f"{CLIENT_PROCESS} on",
                      "take isolation=process out of daemon.json, or upgrade Windows")
    return passed(one.isolation + (", a virtual machine for each container" if needs_hyperv(facts) else
                                   ", the kernel is shared"))


@question("desktop", "Docker Desktop", "Docker Desktop is for clients.", "docker/for-win#6769", "docker/for-win#9748")
def desktop(facts: MachineFacts) -> Outcome | None:
    if not facts.daemon.desktop or not on_windows(facts):
        return None
    if facts.host.product == "server":
        return warned(f"{facts.daemon.desktop}, on a server", "Docker Desktop is not made for Windows Server",
                      "remove it; " + _INSTALL)
    return passed(facts.daemon.desktop)


QUESTIONS = (engine, engine_os, toolbox, engine_version, engine_api, engine_store, isolation, desktop)
