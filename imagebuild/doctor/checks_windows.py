# SPDX-License-Identifier: Apache-2.0
"""Is this Windows one that runs containers? Edition, build, update, architecture, the Containers feature."""

from __future__ import annotations

from datetime import date

from ..compat.engine import DOCKER_HOSTS, LAST_BEFORE
from ..compat.rules.particulars import BASELINES, REGRESSIONS
from ..windows.facts.machine import MachineFacts
from ..windows.releases import release
from .check import Outcome, build_of, failed, on_windows, passed, question, unknown, warned

FLOOR = 14393
"""The first build with Windows containers."""
_ARM_FLOOR = 26100

_VD = "MicrosoftDocs/Virtualization-Documentation"
_REQUIREMENTS = f"{_VD}:virtualization/windowscontainers/deploy-containers/system-requirements.md"
_DAEMON = "moby/moby:daemon/daemon_windows.go@b985e231"

_UPDATES = (
    (17763, 7314, "April 2025", "images of April 2025 and later do not start in process isolation (0xc0370106)"),
    (26100, 4061, "May 2025", "images of May 2025 and later do not start in process isolation (0xc0370106)"),
)
"""Build, the first revision with an update, when it came, and what is reported without it (Windows-Containers#591)."""


@question("windows", "Windows", "Windows containers need a Windows kernel below them.", _REQUIREMENTS)
def system(facts: MachineFacts) -> Outcome | None:
    if facts.host.os == "windows":
        number = build_of(facts)
        known = release(number) if number is not None else None
        said = known.name_of(facts.host.product) if known else "Windows"
        return passed(f"{said} ({facts.host.version})" if facts.host.version else said)
    if not facts.host.os:
        return unknown("which system this is")
    what = facts.system.product_name or facts.host.os
    return failed(f"{what}: no Windows", "Windows containers share or boot a Windows kernel, and this machine has none",
                  "examine the Windows host in its place: 'wcow doctor facts --script' prints what to run there; "
                  "building images (wcow build) needs no Windows")


@question("edition", "Edition", "Containers are in Pro, Enterprise, Education and Server, not in Home.", _REQUIREMENTS,
          "docker/for-win#1082", "docker/for-win#2020")
def edition(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    name = facts.host.edition
    if not name:
        return passed("a server") if facts.host.product == "server" else unknown("the edition (EditionID)")
    if name.startswith("Core") or name in ("Cloud", "CloudN"):
        return failed(f"{name}, which people call {'Windows Home' if name.startswith('Core') else 'S mode'}",
                      "it has neither the Containers feature nor Hyper-V",
                      "upgrade to Pro (Settings, Activation), or use another host")
    if name.startswith(("ServerSolution", "ServerEssential", "ServerFoundation")):
        return warned(f"{name}, which people call Essentials", "reported to lack the Containers feature",
                      "use Standard or Datacenter")
    if name.startswith(("Server", "Professional", "Enterprise", "Education", "IoTEnterprise")):
        return passed(name)
    return unknown(f"whether {name} has containers", "'Get-WindowsOptionalFeature -Online -FeatureName Containers' "
                                                     "says whether it has the feature")


@question("build", "Build", "Containers are there since 14393 (Server 2016, Windows 10 1607); current engines want "
                            "17763.",
          _DAEMON, "moby/moby@1b3fef5333", f"{_VD}:virtualization/windowscontainers/about/faq.yml")
def build(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    number, version = build_of(facts), facts.host.version
    if number is None or version is None:
        return unknown("the build (CurrentBuildNumber)")
    if version.major < 10 or number < FLOOR:
        return failed(str(version), f"Windows containers begin with build {FLOOR}; older ones run Linux containers in "
                                    "a virtual machine at best", "install a current Windows")
    (since, floor, _unused), last = DOCKER_HOSTS[0], ".".join(map(str, LAST_BEFORE))
    if number < floor:
        return warned(str(version), f"Docker {since[0]} and later do not start below build {floor}; {last} is the "
                                    "last one",
                      "upgrade to Windows Server 2019 or later")
    return passed(str(version) if release(number) else f"{version}; not in our table of releases, so judged by number")


@question("support", "Support", "A Windows without updates gets base images without updates, or none.",
          "endoflife-date/endoflife.date:products/windows-server.md", f"{_VD}:virtualization/windowscontainers/"
          "deploy-containers/base-image-lifecycle.md")
def support(facts: MachineFacts) -> Outcome | None:
    known = release(number) if (number := build_of(facts)) is not None else None
    if not on_windows(facts) or known is None or not known.support:
        return None
    try:
        today = date.fromisoformat((facts.clock.now or "")[:10])
    except ValueError:  # told as not known
        return unknown("the day the facts were collected on")
    last = max(known.support, key=lambda one: one.until)
    name = known.name_of(facts.host.product)
    if last.until < today:
        return warned(f"{name}: ended on {last.until}", "neither it nor its base images get updates",
                      "move to a release with support: 'wcow compat builds' lists them")
    return passed(f"{name}: {last.what} until {last.until}")


@question("update", "Update level", "Some updates must be on the host before newer images start.",
          f"{_VD}:virtualization/windowscontainers/deploy-containers/update-containers.md",
          "microsoft/Windows-Containers#591",
          "microsoft/hcsshim#2566", "moby/moby#40525")
def update(facts: MachineFacts) -> Outcome | None:
    version = facts.host.version
    if not on_windows(facts) or version is None:
        return None
    if version.revision is None:
        return unknown("the update level (UBR)", "'docker info' shows it behind the build, the registry as UBR; "
                                                 "Ansible's facts do not have it")
    base = BASELINES.get(version.build)
    rows = [(base.build, base.host, "February 2020", "32-bit programs of images from after February 2020 end without a "
             "word")] if base else []
    for number, revision, when, what in (*rows, *_UPDATES):
        if number == version.build and version.revision < revision:
            return warned(f"{version}: older than {when} ({number}.{revision})", what,
                          "install the current cumulative update")
    for row in REGRESSIONS:
        if row.host_build == version.build and version.revision >= row.first_revision:
            return warned(f"{version}: from revision {row.first_revision} on", f"images of build {row.image_build} are "
                          f"reported not to start, in either isolation ({row.code})", "use images of another release, "
                                                                                      "as "
                          "ltsc2022, or install a later cumulative update and try")
    return passed(str(version))


@question("architecture", "Architecture", "There are images for amd64, and for arm64 since 2025; none is emulated.",
          "microsoft/Windows-Containers#586", "microsoft/Windows-Containers#224")
def architecture(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    name, number = facts.host.architecture, build_of(facts)
    if not name:
        return unknown("the architecture")
    if name == "amd64":
        return passed(name)
    if name == "arm64" and (number is None or number >= _ARM_FLOOR):
        return warned(name, "only images for arm64 run (tag ltsc2025-arm64: nanoserver and servercore); those for "
                            "amd64 "
                            "are not emulated", "build for windows/arm64, or use an amd64 host")
    return failed(name, "there are no Windows base images for it" if name != "arm64" else
                  f"images for arm64 need build {_ARM_FLOOR} (Windows 11 24H2)", "use an amd64 host")


@question("containers-feature", "Containers feature", "The kernel's and the service's part of containers is an "
                                                      "optional "
          "feature.", _DAEMON, "docker/for-win#1082", "moby/moby#28327")
def containers_feature(facts: MachineFacts) -> Outcome | None:
    if not on_windows(facts):
        return None
    state = facts.feature("Containers")
    if state is None and facts.host.containers is not None:
        state = "enabled" if facts.host.containers else "disabled"
    if state is None:
        return unknown("the state of the feature Containers")
    if state == "enabled":
        return passed("enabled")
    if state == "absent":
        return failed("this Windows does not have it", "without it there is no vmcompute, and no engine starts",
                      "use an edition that has it: Pro, Enterprise, Education or Server")
    server = facts.host.product == "server"
    return failed("disabled", "without it there is no vmcompute, and no engine starts",
                  ("Install-WindowsFeature Containers" if server else
                   "Enable-WindowsOptionalFeature -Online -FeatureName Containers -All") + ", then restart Windows")


QUESTIONS = (system, edition, build, support, update, architecture, containers_feature)
