# SPDX-License-Identifier: Apache-2.0
"""What the user asks of one build, as a value: every flag of ``wcow build`` that changes the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..codec import Compression
from ..errors import UsageError

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """One build.

    ``context`` is a folder, ``-`` (a tarball on standard input), a tarball, a URL or a git address; ``dockerfile`` a
    path (relative to the working directory, then to the context), ``-`` for standard input, or ``None`` for
    ``Dockerfile`` in the context. ``build_contexts`` are NAME to folder, URL or image (``docker-image://…``,
    ``oci-layout://…``). ``acls``, ``attributes`` and ``junctions`` are pairs of a path in the image and its SDDL,
    attribute change (``+RH-S``) or junction target. ``epoch`` is SOURCE_DATE_EPOCH in seconds. ``run`` is
    the way of RUN: ``engine``, ``none``, or a host's address; ``network`` the one of every RUN that names none.
    ``linux_builder`` is what makes stages for Linux: ``auto``, the name of a builder, or ``none``.
    """

    context: str = "."
    dockerfile: str | None = None
    target: str | None = None
    platform: str | None = None
    os_version: str | None = None
    build_args: Pairs = ()
    build_contexts: Pairs = ()
    labels: Pairs = ()
    annotations: Pairs = ()
    compression: Compression = field(default_factory=lambda: Compression.parse("gzip"))
    timestamps: Literal["fixed", "source"] = "fixed"
    epoch: int | None = None
    base_metadata: Literal["fetch", "known"] = "fetch"
    symlinks: Literal["keep", "follow", "refuse"] = "keep"
    acls: Pairs = ()
    attributes: Pairs = ()
    junctions: Pairs = ()
    lint: Literal["error", "warn", "off"] = "error"
    no_cache: bool = False
    pull: bool = False
    run: str = "none"
    network: Literal["default", "none"] = "default"
    linux_builder: str = "none"
    environment: Mapping[str, str] = field(default_factory=dict)


def pairs(values: tuple[str, ...], flag: str, *, environment: Mapping[str, str] | None = None) -> Pairs:
    """``NAME=VALUE`` words as pairs; with ``environment``, a bare NAME takes its value from there (or is left out).

    Raises UsageError naming the flag for a word without ``=``.
    """
    out: list[tuple[str, str]] = []
    for word in values:
        name, sep, value = word.partition("=")
        if not name or (not sep and environment is None):
            raise UsageError(f"{flag} {word} has no value", why="it is written NAME=VALUE", hint=f"{flag} NAME=VALUE")
        if not sep:
            assert environment is not None
            if name not in environment:
                continue
            value = environment[name]
        out.append((name, value))
    return tuple(out)
