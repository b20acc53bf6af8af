# SPDX-License-Identifier: Apache-2.0
"""Facts of a host and an image that speak for a cause, or against it.

Entries of the catalogue name them in ``when``. Each function answers True (the fact is so), False (it is known not to
be) or ``None`` (nobody said), and a sentence for the first two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import FormatError
from ..windows.facts.host import HostFacts, WindowsVersion

if TYPE_CHECKING:
    from ..compat.image import ImageFacts

#: Revision of the host's update, and of the images made of it, that changed the interface of the kernel in February
#: 2020, by build (MicrosoftDocs/Virtualization-Documentation windowscontainers/deploy-containers/update-containers.md,
#: table of 2B: images; hosts have one less).
FEBRUARY_2020 = {14393: 3506, 17134: 1305, 17763: 1040, 18362: 658, 18363: 658}
DECISIVE = frozenset({"architectures-differ", "systems-differ"})
STABLE_ABI = 20348
"""From this build on process isolation takes more than its own build (version-compatibility.md of the same place)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact that was looked at: whether it speaks for the cause, how it is, and whether it is so plain that others do
    not matter beside it (an image for another processor runs on none of its revisions)."""

    speaks_for: bool
    sentence: str
    decisive: bool = False


_Fact = Callable[[HostFacts, "ImageFacts"], tuple[bool | None, str]]


def weigh(name: str, host: HostFacts, image: ImageFacts) -> Evidence | None:
    """What is known of a fact by its name; ``None`` when nothing is, or the name is none of ours."""
    fact = FACTS.get(name)
    so, sentence = fact(host, image) if fact is not None else (None, "")
    return None if so is None else Evidence(so, sentence, so and name in DECISIVE)


def image_version(image: ImageFacts) -> WindowsVersion | None:
    """The image's ``os.version``, where it is one."""
    try:
        return WindowsVersion.parse(image.os_version)
    except FormatError:
        return None


def _versions(host: HostFacts, image: ImageFacts) -> tuple[WindowsVersion, WindowsVersion] | None:
    found = image_version(image)
    return None if host.version is None or found is None else (host.version, found)


def _build_above(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    both = _versions(host, image)
    if both is None:
        return None, ""
    above = both[1].build > both[0].build
    return above, f"the image's build {both[1].build} is {'' if above else 'not '}above the host's {both[0].build}"


def _build_refused(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    both = _versions(host, image)
    if both is None:
        return None, ""
    on, of = both[0].build, both[1].build
    fits = of == on or STABLE_ABI <= of <= on
    return not fits, f"process isolation {'takes' if fits else 'does not take'} build {of} on build {on}"


def _revision_above(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    both = _versions(host, image)
    if both is None or both[0].build != both[1].build or both[0].revision is None or both[1].revision is None:
        return None, ""
    above = both[1].revision > both[0].revision
    return above, f"the image's revision {both[1]} is {'' if above else 'not '}above the host's {both[0]}"


def _february_2020(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    both = _versions(host, image)
    if both is None or both[0].revision is None or both[1].revision is None:
        return None, ""
    since = FEBRUARY_2020.get(both[0].build)
    if since is None or both[0].build != both[1].build:
        newer = min(both[0].build, both[1].build) > max(FEBRUARY_2020)
        return (False, "host and image are both of after February 2020") if newer else (None, "")
    split = (both[0].revision >= since - 1) != (both[1].revision >= since)
    return split, (f"host {both[0]} and image {both[1]} are on "
                   f"{'different sides' if split else 'the same side'} of February 2020")


def _architectures(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    if not host.architecture or not image.architecture:
        return None, ""
    differ = host.architecture != image.architecture
    return differ, (f"the image is for {image.architecture}, the host is {host.architecture}" if differ else
                    f"host and image are both {host.architecture}")


def _hyperv_off(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    if host.hyperv is None:
        return None, ""
    return not host.hyperv, f"Hyper-V {'runs' if host.hyperv else 'does not run'} on the host"


def _containers_off(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    if host.containers is None:
        return None, ""
    return not host.containers, f"the Containers feature is {'enabled' if host.containers else 'not enabled'}"


def _client_before_1809(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    if host.version is not None and host.version.build >= 17763:
        return False, f"the host's build {host.version.build} is 1809 or later"
    if not host.product or host.version is None:
        return None, ""
    client = host.product == "client"
    return client, f"the host is a {host.product} of build {host.version.build}"


def _host_is_server(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    if not host.product:
        return None, ""
    return host.product == "server", f"the host is a {host.product}"


def _host_below(build: int) -> _Fact:
    def fact(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
        if host.version is None:
            return None, ""
        below = host.version.build < build
        return below, f"the host's build {host.version.build} is {'' if below else 'not '}below {build}"
    return fact


def _engine_os(host: HostFacts) -> str:
    return host.engine.os if host.engine is not None and host.engine.os else "linux" if host.os == "linux" else ""


def _engine_is_linux(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    system = _engine_os(host)
    return (system == "linux", f"the engine runs {system} containers") if system else (None, "")


def _systems_differ(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    system = _engine_os(host)
    if not system or not image.os:
        return None, ""
    return system != image.os, f"the engine runs {system} containers, the image is for {image.os}"


def _no_utility_vm(host: HostFacts, image: ImageFacts) -> tuple[bool | None, str]:
    if image.utility_vm is None:
        return None, ""
    return not image.utility_vm, f"the image has {'a' if image.utility_vm else 'no'} utility VM"


FACTS: Mapping[str, _Fact] = {
    "image-build-above-host": _build_above,
    "build-refused": _build_refused,
    "revision-above-host": _revision_above,
    "february-2020-between": _february_2020,
    "architectures-differ": _architectures,
    "hyperv-off": _hyperv_off,
    "containers-off": _containers_off,
    "client-before-1809": _client_before_1809,
    "host-is-server": _host_is_server,
    "host-below-14393": _host_below(14393),
    "host-below-17763": _host_below(17763),
    "engine-is-linux": _engine_is_linux,
    "systems-differ": _systems_differ,
    "no-utility-vm": _no_utility_vm,
}
