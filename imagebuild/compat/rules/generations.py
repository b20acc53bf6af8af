# SPDX-License-Identifier: Apache-2.0
"""Which Windows builds an engine lets meet: four generations of one rule.

Each generation says from which build on a host takes images: its *floor*. An image is accepted when its build is not
below the floor and not above the host, and when major and minor are equal. They differ in the floor alone:

========== ==================================================== ====================================================
generation floor of a host with build ``h``                      in
========== ==================================================== ====================================================
G0         ``h`` itself                                          containerd to 1.6.22, 1.7.0 to 1.7.5
G1         20348 (below 20348: ``h`` itself)                     containerd 1.6.23, 1.7.6, 2.0; moby 25 to 28
G2         the highest LTSC *below* ``h``, at least 20348         containerd 2.1 to 2.3; moby 29.0 to 29.7.2
G3         the LTSC *before* the highest one not above ``h``      containerd and moby after those
========== ==================================================== ====================================================

Sources: containerd ``platforms/defaults_windows.go`` of branches 1.5 to 1.7; containerd/platforms
``platform_windows_compat.go`` v0.2.1, v1.0.0-rc.0 to rc.5; microsoft/hcsshim ``osversion/platform_compat_windows.go``.
"""

from __future__ import annotations

from typing import Literal, get_args

Generation = Literal["G0", "G1", "G2", "G3"]
GENERATIONS: tuple[Generation, ...] = get_args(Generation)

LTSC = (20348, 26100)
"""The releases whose interface to the kernel stays, as the engines list them. A third one, when it comes, moves the
floor of G2 and G3."""

Parts = tuple[int, int, int]


def floor(generation: Generation, host_build: int) -> int:
    """The lowest build of an image that a host takes."""
    if generation == "G0" or host_build < LTSC[0]:
        return host_build
    if generation == "G1":
        return LTSC[0]
    if generation == "G2":
        return max((build for build in LTSC if build < host_build), default=LTSC[0])
    reached = sum(build <= host_build for build in LTSC)
    return LTSC[max(reached - 2, 0)]


def accepts(generation: Generation, host_build: int, image_build: int) -> bool:
    """Whether an image's build is taken by a host, major and minor being equal. Any integers may be asked."""
    return floor(generation, host_build) <= image_build <= host_build


def parts(os_version: str) -> Parts:
    """Major, minor and build as Go's ``platforms`` reads them: ``(0, 0, 0)`` for a text with less than two dots, a part
    that is no plain number, a major or minor above 255 or a build above 65535."""
    pieces = os_version.split(".")
    if len(pieces) < 3 or not all(piece.isascii() and piece.isdigit() and len(piece) < 20 for piece in pieces[:3]):
        return 0, 0, 0
    major, minor, build = (int(piece) for piece in pieces[:3])
    return (major, minor, build) if major < 1 << 8 and minor < 1 << 8 and build < 1 << 16 else (0, 0, 0)


def matches(generation: Generation, host: str, candidate: str, *, empty: bool = True) -> bool:
    """Whether an engine on ``host`` (``10.0.BUILD``) takes an image by its ``os.version``.

    A host that cannot be read takes everything. ``empty`` says whether an image without a version is taken, as
    HostProcess images are: by all but containerd up to 1.6.22 (containerd/containerd#7431). G0 compares text, without a
    dot at the end: a host 10.0.1836 takes 10.0.18362.1.
    """
    if generation == "G0":
        prefix = ".".join(host.split(".")[:3])
        return candidate.startswith(prefix) if candidate else empty
    mine = parts(host)
    if mine == (0, 0, 0) or not candidate:
        return True if mine == (0, 0, 0) else empty
    theirs = parts(candidate)
    return theirs[:2] == mine[:2] and accepts(generation, mine[2], theirs[2])
