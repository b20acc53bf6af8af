# SPDX-License-Identifier: Apache-2.0
"""Which Windows helper image a GitLab runner takes for the engine that it talks to.

It has a list of builds that it knows, and fails with "unsupported Windows version" for every other; the image is for
the release that the list names, which on clients is an older one than the host's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SOURCE = "gitlabhq/gitlab-runner helpers/container/windows/version.go, helpers/container/helperimage/windows_info.go " \
    "@d79f3e7"

BUILDS = {
    "10.0.17763": "1809", "10.0.20348": "21H2", "10.0.26100": "24H2",
    "10.0.19043": "1809", "10.0.19044": "1809", "10.0.19045": "1809",
    "10.0.22000": "21H2", "10.0.22621": "21H2", "10.0.22631": "21H2", "10.0.26200": "24H2",
}
"""What it knows: servers, then clients. Windows Server 23H2 (25398) is not there, nor what came after 26200."""

LTSC = {"1809": "ltsc2019", "21H2": "ltsc2022", "24H2": "ltsc2025"}
_ARM = frozenset({"24H2"})
"""Microsoft has no arm64 base image of the others: there the x86_64 image is taken, on an arm64 host too."""


@dataclass(frozen=True, slots=True)
class Helper:
    """The helper image: for which Windows (``version``, and ``base``, the tag of its base image), and for which
    architecture as GitLab writes it."""

    version: str
    base: str
    architecture: str

    def tag(self, revision: str) -> str:
        """Its tag, for the runner's revision (``x86_64-v18.0.0-servercore21H2``)."""
        return f"{self.architecture}-{revision}-servercore{self.version}"

    @property
    def prebuilt(self) -> str:
        """The name of the archive that comes with a runner, for places without a network."""
        return f"prebuilt-windows-servercore-{self.base}-{self.architecture}"


def version(kernel_version: str) -> str | None:
    """The Windows whose images are used, from ``KernelVersion`` of ``docker info`` (``10.0 20348 (20348.1.…)``) or from
    ``10.0.20348``; ``None`` for a build that is not on the list."""
    parts = [part for part in re.split(r"[. ]", kernel_version) if part]
    return BUILDS.get(".".join(parts[:3]))


def helper(kernel_version: str, architecture: str = "") -> Helper | None:
    """The helper image for an engine, ``None`` where the runner gives up. All but ``arm64`` and ``aarch64`` count as
    x86_64."""
    found = version(kernel_version)
    if found is None:
        return None
    arm = architecture in ("arm64", "aarch64") and found in _ARM
    return Helper(found, LTSC[found], "arm64" if arm else "x86_64")
