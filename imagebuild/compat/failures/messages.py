# SPDX-License-Identifier: Apache-2.0
"""What the messages of engines say besides that something failed: versions, architectures, systems.

Only engines' own words are read here: they are English everywhere, while Windows translates its texts. The wordings are
those of dockerd and its client (moby/moby), containerd and Docker Desktop; each phrase names where it was seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

_VERSION = r"\d{1,5}\.\d{1,5}\.\d{1,5}"


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What one message says; what it does not say is empty, or 0.

    ``host`` and ``image`` are Windows versions as written (``10.0.20348``), ``arch`` is the architecture that was
    looked for, ``image_os`` the image's system, ``min_build`` the least build of Windows that is asked for;
    ``client_api``, ``server_api`` and ``min_api`` are versions of the Docker Engine API.
    """

    kind: str
    host: str = ""
    image: str = ""
    arch: str = ""
    image_os: str = ""
    min_build: int = 0
    client_api: str = ""
    server_api: str = ""
    min_api: str = ""

    def facts(self) -> dict[str, Any]:
        """What it says, without what it does not."""
        return {field.name: getattr(self, field.name) for field in fields(self) if getattr(self, field.name)}


_PHRASES = (
    # Up to engine 27, "windows/amd64 10.0.x"; microsoft/Windows-Containers#334.
    ("no-manifest",
     rf"no matching manifest for windows/(?P<arch>\w++)(?: (?P<host>{_VERSION}))?[\d.]* in the manifest"),
    # From 28 on; moby/moby daemon/internal/distribution/pull_v2_test.go@b985e231. A variant may follow (/v8).
    ("no-manifest", rf"no matching manifest for windows\((?P<host>{_VERSION})[^)]{{0,60}}\)/(?P<arch>\w+)"),
    ("no-manifest", r"no matching manifest for unknown in the manifest"),  # 18.09; docker/for-win#3775
    ("no-linux-manifest", r"no matching manifest for linux/(?P<arch>\w+)"),  # docker-library/official-images#3835
    ("no-manifest", r"no match for platform in manifest"),  # containerd/containerd#7439
    ("image-newer-than-host",
     rf"a Windows version (?P<image>{_VERSION})-based image is incompatible with a (?P<host>{_VERSION}) host"),
    ("client-process-unsupported", r"Windows client operating systems (?:earlier than version 1809 can only run|only "
                                   r"support) Hyper-V containers"),  # moby/moby#38000
    ("host-too-old", r"Windows build (?P<min_build>\d{4,6}) or higher is required"),  # moby/moby@1b3fef5333
    ("host-too-old", r"docker daemon requires build (?P<min_build>\d{4,6}) or later"),  # 19.03, 20.10
    ("desktop-too-old", r"Docker (?:for Windows|Desktop) requires Windows 10 (?:Pro|Home|Enterprise)[^.\n]{0,60}?\(?"
                        r"(?P<min_build>\d{5})"),  # docker/for-win#1708, docker/docs#11402
    ("desktop-too-old", r"Windows cont\w{5,7} supports? requires a Windows 10 build >= ?(?P<min_build>\d{5})"),
    ("wrong-os", r'image operating system "(?P<image_os>\w+)" cannot be used on this platform'),  # docker/for-win#7132
    ("client-too-new", r"client is newer than server \(client API version: (?P<client_api>[\d.]{3,8}), server API "
                       r"version: (?P<server_api>[\d.]{3,8})\)"),  # moby/moby#27106
    ("client-too-old", r"client version (?P<client_api>[\d.]{3,8}) is too old[.,] Minimum supported API version is "
                       r"(?P<min_api>\d[\d.]{1,6}\d)"),  # moby/moby#51186
)


def parse(text: str) -> MessageFacts | None:
    """What the first known message in a text says; ``None`` when there is none."""
    return next(find(text), None)


def find(text: str) -> Iterator[MessageFacts]:
    """What each known message in a text says, in the order of the text. Never raises."""
    found = [(match.start(), kind, match) for kind, pattern in _patterns() for match in pattern.finditer(text)]
    for _unused, kind, match in sorted(found, key=lambda item: item[0]):
        said = {name: value for name, value in match.groupdict().items() if value}
        minimum = int(said.pop("min_build", 0))
        yield MessageFacts(kind, min_build=minimum, **said)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(regex, re.IGNORECASE | re.ASCII)) for kind, regex in _PHRASES)
