# SPDX-License-Identifier: Apache-2.0
"""The few files of ``/etc`` that Wine and the C library ask for in a box. None of them is this machine's own, and none
is on its disk: bubblewrap gets them in memory."""

from __future__ import annotations

from collections.abc import Iterable

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
    return {name: content.encode() for name, content in text.items()}
