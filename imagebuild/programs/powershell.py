# SPDX-License-Identifier: Apache-2.0
"""Where PowerShell comes from: its official archives, checked by the digests that are published with them.

Sources: PowerShell's ``UpdatesNotification.cs`` (the address that names the newest stable release, and its
``ReleaseTag``), and the assets of its releases: ``PowerShell-VERSION-win-x64.zip`` and ``hashes.sha256``, a line
``DIGEST *NAME`` for each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from ..errors import InputError, UnsupportedError, quoted
from ..fetch import Download, Fetcher
from .store import Program

POWERSHELL = Program("powershell", "PowerShell", "pwsh.exe", "pwsh.dll",
                     ("pwsh.deps.json", "coreclr.dll", "System.Management.Automation.dll"))
"""PowerShell 7 for Windows, self-contained, x64."""

RELEASES = "https://github.com/PowerShell/PowerShell/releases/download"
"""Below it each release has a folder ``vVERSION`` with its assets."""
NEWEST = "https://aka.ms/pwsh-buildinfo-stable"
"""A JSON document whose ``ReleaseTag`` is the newest stable release."""

_VERSION = re.compile(r"v?(7\.\d{1,3}\.\d{1,4}(?:-[a-z]{1,12}\.?\d{0,4})?)")
_LINE = re.compile(r"([0-9A-Fa-f]{64})\s+\*?(\S+)")
_LARGEST_TEXT = 1 << 20

Progress = Callable[[int, int | None], None]


def newest_powershell(fetcher: Fetcher, address: str = NEWEST) -> str:
    """Return the newest stable version (``7.6.9``), as PowerShell's own update check asks. Raises FetchError when the
    address does not answer, InputError for an answer that names no version of PowerShell 7."""
    text = _text(fetcher, address)
    try:
        found = _VERSION.fullmatch(str(json.loads(text)["ReleaseTag"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        found = None
    if found is None:
        raise InputError("cannot find the newest PowerShell", why=f"{address} names no version of PowerShell 7",
                         hint="name one: --version 7.6.9, or take an archive: --from FILE")
    return found[1]


def fetch_powershell(fetcher: Fetcher, version: str, *, releases: str = RELEASES,
                     progress: Progress | None = None) -> Download:
    """Download the official archive of a version; its digest is the published one. The caller closes it.

    Raises InputError for what is not a version of PowerShell 7, FetchError when it cannot be had, IntegrityError when
    the bytes are not those that were published.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise InputError(f"{quoted(version[:40])} is not a version of PowerShell 7", hint="write it like 7.6.9")
    name, folder = f"PowerShell-{found[1]}-win-x64.zip", f"{releases.rstrip('/')}/v{found[1]}"
    digests = {line[2]: line[1] for line in _LINE.finditer(_text(fetcher, f"{folder}/hashes.sha256"))}
    if name not in digests:
        raise UnsupportedError(f"cannot take PowerShell {found[1]}", why=f"no digest of {name} is published with it",
                               hint="name another version, or an archive that you trust: --from FILE")
    return fetcher.url(f"{folder}/{name}", checksum=f"sha256:{digests[name].lower()}", progress=progress)


def _text(fetcher: Fetcher, url: str) -> str:
    """Return a small document, in whichever of UTF-8 and UTF-16 it was written."""
    with fetcher.url(url) as download:
        if download.size > _LARGEST_TEXT:
            raise InputError(f"cannot use {download.url}", why=f"it has {download.size} bytes, too many")
        data = download.path.read_bytes()
    return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
