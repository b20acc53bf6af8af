# SPDX-License-Identifier: Apache-2.0
"""What a Docker daemon's refusals to take or give images mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...dockerapi import faults
from ...errors import DaemonError, NotFoundError
from ..redact import printable, redact

_SNAPSHOTTER = ('switch it to the containerd store: {"features": {"containerd-snapshotter": true}} in '
                "/etc/docker/daemon.json, then restart it")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A text the daemon says, why it says so, and what to do."""

    pattern: re.Pattern[str]
    why: str
    hint: str


# Texts of Debian's dockerd 26 (moby image/tarexport/load.go, distribution/pull_v2.go).
REFUSALS = (
    Refusal(re.compile(r"cannot load (\S+) image on (\S+)"),
            "its classic image store takes only images of the system it runs on", _SNAPSHOTTER),
    Refusal(re.compile(r"open \S*blobs/json: no such file or directory"),
            "its classic image store reads only archives that have manifest.json, and this one has none",
            "write the archive with docker-archive:FILE, or " + _SNAPSHOTTER),
    Refusal(re.compile(r'image operating system "?\w+"? cannot be used on this platform'),
            "its classic image store pulls only images of the system it runs on",
            "pull with wcow pull, or " + _SNAPSHOTTER),
)


def refused(what: str, text: str, *, status: int = 0) -> DaemonError:
    """The error for a text a daemon gave, translated when it is one we know; the text stays in it."""
    text = redact(printable(text))
    for known in REFUSALS:
        if known.pattern.search(text):
            return DaemonError(what, why=f"{known.why} (docker says: {text})", hint=known.hint, status=status)
    return DaemonError(what, why=f"docker says: {text}" if text else f"docker answered {status}", status=status)


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Say what was attempted with each error of the client's. NotFoundError for 404, DaemonError for the others."""
    try:
        yield
    except faults.NotFound as fault:
        raise NotFoundError(what, why=f"docker says: {redact(printable(fault.message))}") from fault
    except faults.Fault as fault:
        raise refused(what, fault.message, status=fault.status) from fault
    except DaemonError as error:
        if error.what == what:  # a refusal in the stream of an answer, of which this has been said
            raise
        why = redact(printable(f"{error.what}: {error.why}" if error.why else error.what))
        raise DaemonError(what, why=why, hint=error.hint, **error.facts) from error
