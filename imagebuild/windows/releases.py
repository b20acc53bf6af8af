# SPDX-License-Identifier: Apache-2.0
"""Windows releases that containers know: build numbers, names, the tags of their base images.

An image's ``os.version`` is ``10.0.BUILD.REVISION``. Source: Microsoft, "Windows container version compatibility" and
"Base image servicing lifecycles"; build numbers of clients: "Windows 10/11 release information".
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import FormatError


@dataclass(frozen=True, slots=True)
class Release:
    """One release: ``build``, ``name`` in full, ``version`` as in ``ver`` and tags, ``tag`` of its base images.

    ``tag`` is empty where Microsoft publishes no images (clients, 23H2), ``images`` names the published ones.
    """

    build: int
    name: str
    version: str
    tag: str = ""
    images: tuple[str, ...] = ()

    def os_version(self, revision: int = 0) -> str:
        """The ``os.version`` label of an image of this release."""
        return f"10.0.{self.build}.{revision}"


_SMALL = ("nanoserver", "servercore")

RELEASES: tuple[Release, ...] = (
    Release(14393, "Windows Server 2016", "1607", "ltsc2016", _SMALL),
    Release(16299, "Windows Server, version 1709", "1709", "1709", _SMALL),
    Release(17134, "Windows Server, version 1803", "1803", "1803", _SMALL),
    Release(17763, "Windows Server 2019", "1809", "ltsc2019", (*_SMALL, "windows")),
    Release(18362, "Windows Server, version 1903", "1903", "1903", (*_SMALL, "windows")),
    Release(18363, "Windows Server, version 1909", "1909", "1909", (*_SMALL, "windows")),
    Release(19041, "Windows Server, version 2004", "2004", "2004", (*_SMALL, "windows")),
    Release(19042, "Windows Server, version 20H2", "20H2", "20H2", (*_SMALL, "windows")),
    Release(19043, "Windows 10, version 21H1", "21H1"),
    Release(19044, "Windows 10, version 21H2", "21H2"),
    Release(19045, "Windows 10, version 22H2", "22H2"),
    Release(20348, "Windows Server 2022", "21H2", "ltsc2022", (*_SMALL, "server")),
    Release(22000, "Windows 11, version 21H2", "21H2"),
    Release(22621, "Windows 11, version 22H2", "22H2"),
    Release(22631, "Windows 11, version 23H2", "23H2"),
    Release(25398, "Windows Server, version 23H2", "23H2"),
    Release(26100, "Windows Server 2025", "24H2", "ltsc2025", (*_SMALL, "server")),
    Release(26200, "Windows 11, version 25H2", "25H2"),
)
"""In the order of their builds. A build that is not here is not an error: Windows goes on."""


def release(build: int) -> Release | None:
    """The release with this build number, ``None`` when we do not know it."""
    return next((known for known in RELEASES if known.build == build), None)


def find_release(text: str) -> Release | None:
    """The release of base images that people mean by ``ltsc2022``, ``1809``, ``20348``, ``10.0.20348.1``."""
    wanted = text.strip().lower()
    if wanted.count(".") >= 2:
        return release(parse_os_version(wanted)[2])
    named = [known for known in RELEASES if wanted in (known.tag.lower(), str(known.build))]
    named += [known for known in RELEASES if known.tag and wanted == known.version.lower()]
    return named[0] if wanted and named else None


def parse_os_version(text: str) -> tuple[int, int, int, int]:
    """``10.0.20348.2527`` as numbers, a missing revision as 0; ``FormatError`` when it is no Windows version."""
    parts = text.split(".")
    if len(parts) not in (3, 4) or not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts):
        raise FormatError(f"cannot read {text[:60]!r} as a Windows version", why="expected like 10.0.20348.2527")
    major, minor, build, revision = (*map(int, parts), 0)[:4]
    return major, minor, build, revision
