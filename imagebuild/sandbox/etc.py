# SPDX-License-Identifier: Apache-2.0
"""The few files of ``/etc`` that Wine and the C library ask for in a box. None of them is this machine's own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from . import seccomp
from .bwrap import UID, USER

_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><cachedir>/tmp/fonts</cachedir></fontconfig>
"""


def files(hostname: str, hosts: Iterable[tuple[str, str]] = (), dns: Iterable[str] = ()) -> dict[str, bytes]:
    """Path below ``/etc`` -> content. ``hosts`` are (address, name), ``dns`` addresses of name servers.

    Wine takes the Windows user's name from passwd. Without a fonts.conf every program writes a complaint to stderr.
    """
    named = "".join(f"{address}\t{name}\n" for address, name in hosts)
    text = {
        "passwd": f"{USER}:x:{UID}:{UID}::/prefix:/bin/false\n",
        "group": f"{USER}:x:{UID}:\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "hostname": f"{hostname}\n",
        "hosts": f"127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\t{hostname}\n{named}",
        "resolv.conf": "".join(f"nameserver {server}\n" for server in dns),
        "fonts/fonts.conf": _FONTS,
    }
    return {**{name: content.encode() for name, content in text.items()}, "seccomp.bpf": seccomp.program()}


def write(folder: Path, content: dict[str, bytes]) -> None:
    """Put the files below ``folder``, which only the host can write; missing folders are made."""
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o644)
