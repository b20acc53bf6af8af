# SPDX-License-Identifier: Apache-2.0
"""What other tools take from an index, to compare with and to explain why two of them fetched different images.

Each was read in source. What they have in common: none of them knows of a host, so nothing tells them that an image is
too new or too old for it. BuildKit alone compares Windows versions as engines do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import FormatError, UsageError, quoted
from ..oci import Platform
from . import platforms
from .platforms import Accepts, same_build

Entry = Platform | None
"""What an index says of one of its manifests; ``None`` where it says nothing."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that picks: ``title`` for people, what it ``compares`` as a sentence without a full stop, the ``source``.

    ``reads`` turns its own way to write a platform into one; ``default`` is what it wants when nobody says (``None``:
    the platform it runs on). ``takes_all``: it takes every entry that matches, not the first. ``wants`` gives the
    entries that match by their place, the most wanted first.
    """

    name: str
    title: str
    compares: str
    source: str
    default: Platform | None
    takes_all: bool
    reads: Callable[[str], Platform]
    wants: Callable[[Sequence[Entry], Platform, Accepts], tuple[int, ...]]


def tool(name: str) -> Tool:
    """A tool by its name; UsageError with the names there are."""
    if name not in TOOLS:
        raise UsageError(f"there is no tool {quoted(name[:40])} here", hint=f"there are {', '.join(TOOLS)}")
    return TOOLS[name]


def read(name: str, text: str) -> Platform:
    """A platform as that tool has it written: ``windows/amd64:10.0.20348`` for crane and ko, else as
    :func:`.platforms.parse` reads it. FormatError; UsageError where it asks for no platform."""
    return tool(name).reads(text)


def pick(name: str, entries: Sequence[Entry], requested: Platform, *, accepts: Accepts = same_build) -> int | None:
    """The place of the entry that a tool takes, ``None`` when it finds none (of ko's, the first of them).

    ``accepts(requested, candidate)`` compares two Windows versions for tools that compare them as engines do: of those
    here BuildKit, whose rule is that of containerd/platforms (v1.0.0-rc.4 @73ed682).
    """
    return next(iter(taken(name, entries, requested, accepts=accepts)), None)


def taken(name: str, entries: Sequence[Entry], requested: Platform, *,
          accepts: Accepts = same_build) -> tuple[int, ...]:
    """The places of all entries that match for a tool, the one that it wants most first."""
    return tool(name).wants(entries, requested, accepts)


def built_on(requested: Platform | None, base: Platform) -> Platform:
    """The platform of an image that BuildKit builds ``FROM`` a base, asked for one with ``--platform`` or for none.

    Version and variant that were not asked for are the base's, if OS and architecture are; features that were not asked
    for are the base's in any case (``dockerfile2llb/convert.go``, ``dockerui/build.go`` @73ed682).
    """
    if requested is None:
        return platforms.normalize(base)
    same = (requested.os, requested.architecture) == (base.os, base.architecture)
    return platforms.normalize(Platform(
        requested.os, requested.architecture,
        requested.os_version or (base.os_version if same else ""), requested.os_features or base.os_features,
        requested.variant or (base.variant if same else "")))


def crane_matches(required: Platform, given: Platform) -> bool:
    """OS and architecture must be equal, the version and the variant if they are asked for, and every feature asked for
    must be there. ``matchesPlatform`` of go-containerregistry."""
    return (required.os, required.architecture) == (given.os, given.architecture) \
        and required.os_version in ("", given.os_version) and required.variant in ("", given.variant) \
        and set(required.os_features) <= set(given.os_features)


def ko_matches(required: Platform, given: Entry) -> bool:
    """What is not asked for may be anything; a Windows version of three numbers takes those of four that begin with
    them. ``platformMatcher`` of ko: never an attestation (``unknown``), never an entry without a platform."""
    if given is None or "unknown" in (given.os, given.architecture):
        return False
    if any(asked not in ("", offered) for asked, offered in (
            (required.os, given.os), (required.architecture, given.architecture), (required.variant, given.variant))):
        return False
    asked, offered = required.os_version, given.os_version
    return asked in ("", offered) or (
        required.os == "windows" and offered.count(".") == 3 and offered.rpartition(".")[0] == asked)


def _crane(entries: Sequence[Entry], requested: Platform, _unused: Accepts) -> tuple[int, ...]:
    linux = Platform("linux", "amd64")  # what an entry without a platform is taken for
    return tuple(place for place, entry in enumerate(entries) if crane_matches(requested, entry or linux))


def _ko(entries: Sequence[Entry], requested: Platform, _unused: Accepts) -> tuple[int, ...]:
    return tuple(place for place, entry in enumerate(entries) if ko_matches(requested, entry))


_VARIANTS = {"arm": ("v8", "v7", "v6", "v5"), "arm64": ("v8",)}


def _skopeo(entries: Sequence[Entry], requested: Platform, _unused: Accepts) -> tuple[int, ...]:
    known = _VARIANTS.get(requested.architecture, ())
    if not requested.variant:
        wanted = ("", *known)
    elif requested.variant in known:
        wanted = (*known[known.index(requested.variant):], "")
    else:
        wanted = (requested.variant, "")
    ranked = [(wanted.index(entry.variant) if entry else len(wanted), place) for place, entry in enumerate(entries)
              if entry is None or ((entry.os, entry.architecture) == (requested.os, requested.architecture)
                                   and entry.variant in wanted)]
    return tuple(place for _unused, place in sorted(ranked))


def _buildkit(entries: Sequence[Entry], requested: Platform, accepts: Accepts) -> tuple[int, ...]:
    ranked: list[tuple[float, int, int]] = []
    for place, entry in enumerate(entries):
        rank = platforms.rank(requested, entry, accepts=accepts) if entry else float("inf")
        if rank is not None:
            ranked.append((rank, -len(entry.os_features) if entry else 0, place))
    return tuple(place for _unused, _unused, place in sorted(ranked))


def _colon(text: str) -> Platform:
    """``OS[/ARCHITECTURE[/VARIANT]][:VERSION]``, as ``ParsePlatform`` of go-containerregistry reads it: names are taken
    as they are, and a version with a colon in it is no version."""
    head, *versions = text.strip().split(":")
    parts = head.split("/")
    if len(parts) > 3:
        raise FormatError(f"cannot read {quoted(text[:60])} as a platform", why="it has too many slashes",
                          hint="expected like windows/amd64:10.0.20348.2527")
    os, architecture, variant = (*parts, "", "")[:3]
    return Platform(os, architecture, versions[0] if len(versions) == 1 else "", variant=variant)


def _colon_or_all(text: str) -> Platform:
    return Platform() if text == "all" else _colon(text)


def _colon_not_all(text: str) -> Platform:
    if text == "all":
        raise UsageError("with --platform all crane takes the whole index", why="it picks nothing")
    return _colon(text)


TOOLS = {known.name: known for known in (
    Tool("crane", "crane and what else stands on go-containerregistry",
         "OS and architecture, the whole os.version and the variant if asked for; the first that matches",
         "google/go-containerregistry pkg/v1/remote/index.go, pkg/v1/platform.go @3f4ff3c",
         Platform("linux", "amd64"), False, _colon_not_all, _crane),
    Tool("ko", "ko, for the base of an image",
         "what is asked for; an os.version of three numbers means every revision of it; all that match, each built",
         "ko-build/ko pkg/build/gobuild.go @4297871", Platform("linux", "amd64"), True, _colon_or_all, _ko),
    Tool("skopeo", "skopeo, podman and buildah, and what else stands on containers/image",
         "OS, architecture and variant, never os.version nor os.features; the first of the best variant (of two "
         "alike, one in zstd: an index says so in annotations, which are not looked at here)",
         "containers/image internal/pkg/platform/platform_matcher.go, internal/manifest/oci_index.go @df7e80d2; "
         "containers/skopeo#1283", None, False, platforms.parse, _skopeo),
    Tool("buildkit", "BuildKit, for FROM",
         "OS and machine, the os.version as an engine on that version would; of two alike, the one with more "
         "os.features, then the first", "moby/buildkit util/imageutil/config.go, util/pull/pull.go @73ed682; "
         "containerd/platforms compare.go @09756f5", None, False, platforms.parse, _buildkit))}
"""By name, for ``wcow compat pick --engine``."""
