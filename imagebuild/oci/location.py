# SPDX-License-Identifier: Apache-2.0
"""Where an image is: a transport and what it needs, as skopeo and podman write it (containers-transports(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError, quoted
from .reference import Reference, without_login

Transport = Literal["", "docker", "oci", "oci-archive", "docker-archive", "docker-daemon", "dir"]
_IMAGE_ID = re.compile(r"sha256:[0-9a-f]{64}")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_FILES: dict[str, Transport] = {"oci": "oci", "oci-archive": "oci-archive", "docker-archive": "docker-archive"}
_OTHERS = ("containers-storage", "ostree", "sif", "atomic", "tarball", "docker-tar", "http", "https")
_HINT = ("known: docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME], dir:DIR, "
         "docker-daemon:NAME")


@dataclass(frozen=True, slots=True)
class Location:
    """An image somewhere.

    ``transport`` is empty for a bare name (looked up in the local store, then in its registry). ``reference`` is set
    for ``docker``, ``docker-daemon`` and bare names; ``path`` for folders and files; ``tag`` is the name inside
    those, exactly as typed, empty when none was (for ``docker-daemon`` an image id, when one was given).
    """

    transport: Transport
    reference: Reference | None = None
    path: str = ""
    tag: str = ""

    @classmethod
    def parse(cls, text: str) -> Location:
        """The place ``text`` names. UsageError when it names none."""
        prefix, colon, rest = text.partition(":")
        if not colon:
            return cls("", Reference.parse(text))
        if prefix == "docker":
            if not rest.startswith("//"):
                if "/" in rest:
                    raise UsageError(f"{quoted(without_login(text))} is not a place of an image",
                                     why="docker: is followed by two slashes", hint=f"docker://{without_login(rest)}")
                return cls("", Reference.parse(text))  # an image that is called "docker"
            return cls("docker", Reference.parse(rest[2:]))
        if prefix == "docker-daemon":
            return _daemon(rest)
        if prefix == "dir":
            if not rest:
                raise UsageError(f"{quoted(text)} names no folder", hint=_HINT)
            return cls("dir", path=rest)  # the whole of it: as skopeo, an image in such a folder has no name
        if prefix in _FILES:
            path, tag = _split_path(rest)
            if not path:
                raise UsageError(f"{quoted(text)} names no {'folder' if prefix == 'oci' else 'file'}", hint=_HINT)
            if prefix == "docker-archive" and tag and not tag.startswith("@"):
                Reference.parse(tag)
            return cls(_FILES[prefix], path=path, tag=tag)
        if prefix in _OTHERS and rest.startswith(("/", ".")):
            raise UsageError(f"{quoted(without_login(text))} is not a place of an image we can reach",
                             why=f"no transport {quoted(prefix)}", hint=_HINT)
        return cls("", Reference.parse(text))

    def __str__(self) -> str:
        if self.transport == "docker":
            return f"docker://{self.reference}"
        if self.transport == "docker-daemon":
            return f"docker-daemon:{self.reference or self.tag}"
        if self.transport:
            return f"{self.transport}:{self.path}" + (f":{self.tag}" if self.tag else "")
        return str(self.reference)


def _daemon(text: str) -> Location:
    if _IMAGE_ID.fullmatch(text):
        return Location("docker-daemon", tag=text)
    return Location("docker-daemon", Reference.parse(text).tagged())


def _split_path(text: str) -> tuple[str, str]:
    """Split at the first colon that is not a drive's."""
    start = 2 if _DRIVE.match(text) else 0
    path, _unused, tag = text[start:].partition(":")
    return text[:start] + path, tag
