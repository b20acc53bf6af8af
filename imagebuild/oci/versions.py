# SPDX-License-Identifier: Apache-2.0
"""Indexes of many Windows versions: edits that give a new index, in the one order that every engine can take.

Engines pick from an index in different ways: dockerd takes the first entry whose build is not above the host's, in list
order (moby ``distribution/pull_v2_windows.go``); containerd up to 2.0 takes the first in list order that its rule
allows, containerd 2.1 and later the greatest ``os.version`` *compared as text* (containerd/platforms,
``defaults_windows.go``). Highest build first, then highest revision, serves all of them; :func:`traps` says where they
would still disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from ..errors import NotFoundError, UsageError, quoted
from . import media
from .descriptor import Descriptor, Platform
from .document import Pairs
from .manifest import Index

ATTESTATION_OF = "vnd.docker.reference.digest"
"""BuildKit's annotation on an entry that is no image but a record about one (BuildKit ``attestation-storage.md``)."""

_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){2,3}")

Family = Literal["oci", "docker"]


@dataclass(frozen=True, slots=True)
class Trap:
    """Where engines would pick something else than people expect. ``code`` is stable, ``text`` is for people,
    ``entries`` are the digests it is about."""

    code: str
    text: str
    entries: tuple[str, ...] = ()


def numbers(os_version: str) -> tuple[int, ...]:
    """``10.0.20348.2762`` as numbers, for comparing; empty when it is no Windows version."""
    return tuple(map(int, os_version.split("."))) if _VERSION.fullmatch(os_version) else ()


def is_image(entry: Descriptor) -> bool:
    """Whether an entry is an image that an engine may pick, not a record about one."""
    return entry.platform is not None and entry.platform.os != "unknown" and entry.annotation(ATTESTATION_OF) is None


def check_entry(entry: Descriptor, *, name: str = "", any_version: bool = False) -> None:
    """UsageError for an entry that must not stand in an index of Windows images: one without an ``os.version``, which
    every Windows host takes for its own (``any_version`` allows it: HostProcess images are so), or with a wrong one."""
    platform, what = entry.platform, name or str(entry.digest)
    if platform is None or not platform.os or not platform.architecture:
        raise UsageError(f"cannot list {what} in an index", why="its config does not say what it runs on",
                         hint="build it again, or choose another image")
    if platform.os != "windows":
        return
    if not platform.os_version and not any_version:
        raise UsageError(f"cannot list {what} in an index",
                         why="it has no os.version, so that every Windows host would take it for its own",
                         hint="--os-version says which it is; --any-version lists it so, as HostProcess images are")
    if platform.os_version and not numbers(platform.os_version):
        raise UsageError(f"cannot list {what} in an index", why=f"its os.version is {quoted(platform.os_version[:40])}",
                         hint="an os.version is 10.0.BUILD.REVISION")


def same_place(one: Descriptor, other: Descriptor) -> bool:
    """Whether an engine could not tell two entries apart: the same system, processor, version and features."""
    if not is_image(one) or not is_image(other):
        return one.digest == other.digest
    return _place(one) == _place(other)


def sort(entries: Iterable[Descriptor]) -> tuple[Descriptor, ...]:
    """Entries in the order that serves all engines, whatever order they came in.

    Windows first; of one processor the highest build, then the highest revision, then the most features (containerd
    asks for those first); without a version last, for it fits every host. Records about images come at the end.
    """
    return tuple(sorted(entries, key=_rank))


def add(index: Index, entries: Iterable[Descriptor], *, replace_same: bool = False,
        names: Callable[[Descriptor], str] = lambda entry: str(entry.digest)) -> Index:
    """The index with more entries, sorted. UsageError, naming both, where one stands in the place of another, unless
    ``replace_same``: then the later one stays. The same image twice is one entry."""
    kept = list(index.manifests)
    for entry in entries:
        others = [known for known in kept if same_place(known, entry)]
        for other in others:
            if other.digest != entry.digest and not replace_same:
                raise UsageError(f"{names(entry)} and {names(other)} are both for {describe_place(entry)}",
                                 why="an engine takes one of them, and nobody would know which",
                                 hint="leave one out, or --replace the earlier by the later")
        kept = [known for known in kept if known not in others]
        kept.append(entry)
    return _with(index, kept)


def remove(index: Index, entries: Iterable[Descriptor]) -> Index:
    """The index without some of its entries, and without the records about those."""
    gone = {entry.digest for entry in entries}
    return replace(index, manifests=tuple(entry for entry in index.manifests if entry.digest not in gone
                                          and entry.annotation(ATTESTATION_OF) not in gone))


def select(index: Index, wanted: str, *, name: str = "the index") -> tuple[Descriptor, ...]:
    """The entries that ``wanted`` means: a digest or its beginning, an ``os.version`` (whole parts of it from the
    left), a platform as :class:`~.descriptor.Platform` prints it. NotFoundError when it means none."""
    found = tuple(entry for entry in index.manifests if _means(wanted, entry))
    if not found:
        there = ", ".join(str(entry.platform) for entry in index.manifests if is_image(entry))
        raise NotFoundError(f"{name} has no entry {wanted}", why=f"it has {there}" if there else "it is empty",
                            hint="name one by digest, os.version or platform")
    return found


def annotate_entry(index: Index, chosen: Iterable[Descriptor], *, os_version: str | None = None,
                   os_features: tuple[str, ...] | None = None, annotations: Pairs = (),
                   without: tuple[str, ...] = ()) -> Index:
    """The index with other words about some of its entries, sorted again; the images stay what they are.

    ``None`` leaves a field alone; ``""`` and ``()`` take it away. Annotations are added, or replaced by name, after
    those in ``without`` were taken away. UsageError when two entries would come to stand in one place, or an
    annotation is meant for a docker manifest list, which has none.
    """
    chosen = tuple(chosen)
    if annotations and media.family_of(index.kind) == "docker":
        raise UsageError("cannot annotate an entry of a docker manifest list", why="its format has no annotations",
                         hint="make an OCI index of it first: --type oci")
    edited: list[Descriptor] = []
    for entry in index.manifests:
        if entry in chosen:
            pairs_left = tuple(pair for pair in entry.annotations if pair[0] not in without)
            entry = replace(entry, annotations=pairs_left + tuple(annotations),
                            platform=_platform(entry.platform, os_version, os_features))
        edited.append(entry)
    kept: list[Descriptor] = []
    for entry in edited:
        others = [other for other in kept if same_place(entry, other)]
        if others and others[0].digest != entry.digest:
            raise UsageError(f"{entry.digest} and {others[0].digest} would both be for {describe_place(entry)}",
                             why="an engine takes one of them, and nobody would know which")
        if not others:
            kept.append(entry)
    return _with(index, kept)


def annotate_index(index: Index, annotations: Pairs, *, without: tuple[str, ...] = ()) -> Index:
    """The index with annotations of its own added or replaced, and those in ``without`` taken away."""
    if annotations and media.family_of(index.kind) == "docker":
        raise UsageError("cannot annotate a docker manifest list", why="its format has no annotations",
                         hint="make an OCI index of it: --type oci")
    kept = tuple(pair for pair in index.annotations if pair[0] not in without)
    return replace(index, annotations=kept + tuple(annotations))


def as_family(index: Index, family: Family) -> Index:
    """The index as an OCI index or a docker manifest list; the images in it stay what they are.

    A docker manifest list has no annotations (``manifest-v2-2.md``): they are dropped."""
    kind = media.in_family(media.OCI_INDEX, family)
    if index.kind == kind and index.media_type:
        return index
    if family == "oci":
        return replace(index, media_type=kind)
    return replace(index, media_type=kind, annotations=(), artifact_type="", subject=None,
                   manifests=tuple(replace(entry, annotations=(), artifact_type="") for entry in index.manifests
                                   if entry.annotation(ATTESTATION_OF) is None))


def family_for(entries: Iterable[Descriptor]) -> Family:
    """Docker's list when every image is docker's, else OCI's index, as ``docker buildx imagetools`` chooses."""
    families = {media.family_of(entry.media_type) for entry in entries}
    return "docker" if families == {"docker"} else "oci"


def traps(index: Index) -> tuple[Trap, ...]:
    """What engines would trip over in an index, the worst first."""
    out: list[Trap] = []
    images = [entry for entry in index.manifests if is_image(entry)]
    windows = [entry for entry in images if entry.platform is not None and entry.platform.os == "windows"]
    for number, entry in enumerate(images):
        out += [Trap("same-place", f"{describe_place(entry)} is listed twice: {other.digest[:19]} hides "
                     f"{entry.digest[:19]}", (str(other.digest), str(entry.digest)))
                for other in images[:number] if other.digest != entry.digest and same_place(other, entry)][:1]
    for architecture in sorted({_architecture(entry) for entry in windows}):
        out += _order_traps([entry for entry in windows if _architecture(entry) == architecture])
    return tuple(out)


def describe_place(entry: Descriptor) -> str:
    """An entry's platform for people, features included."""
    platform = entry.platform
    if platform is None:
        return "no platform"
    return str(platform) + (f" with {'+'.join(platform.os_features)}" if platform.os_features else "")


def _order_traps(entries: list[Descriptor]) -> Iterable[Trap]:
    """Traps among the Windows entries of one processor, which are in list order."""
    versions = [(numbers(_os_version(entry)), entry) for entry in entries]
    bare: Descriptor | None = None
    for version, entry in versions:
        if bare is not None and version:
            yield Trap("any-version", f"{bare.digest[:19]} has no os.version, so every host takes it before "
                       f"{describe_place(entry)}", (str(bare.digest), str(entry.digest)))
            break
        bare = bare or (None if version else entry)
    for (before, one), (after, other) in pairwise(versions):
        if before and after and before < after:
            yield Trap("order", f"{_os_version(one)} stands before {_os_version(other)}: dockerd takes the first whose "
                       "build is not above the host's, so the newer one is not found",
                       (str(one.digest), str(other.digest)))
    for version, entry in versions:
        if len(version) == 3:
            yield Trap("no-revision", f"{_os_version(entry)} has no revision: dockerd does not see that it is the "
                       "host's own build", (str(entry.digest),))
    seen: dict[tuple[int, ...], Descriptor] = {}
    for version, entry in sorted((item for item in versions if item[0]), key=lambda item: item[0], reverse=True):
        newest = seen.setdefault(version[:3], entry)
        if newest is not entry and _os_version(entry) > _os_version(newest):
            yield Trap("text-order", "containerd 2.1 and later compare os.version as text and take "
                       f"{_os_version(entry)} before {_os_version(newest)}", (str(entry.digest), str(newest.digest)))


def _platform(platform: Platform | None, os_version: str | None,
              os_features: tuple[str, ...] | None) -> Platform | None:
    if os_version is None and os_features is None:
        return platform
    platform = platform or Platform()
    return replace(platform, os_version=platform.os_version if os_version is None else os_version,
                   os_features=platform.os_features if os_features is None else tuple(sorted(set(os_features))))


def _with(index: Index, entries: Iterable[Descriptor]) -> Index:
    ordered = sort(entries)
    return index if ordered == index.manifests else replace(index, manifests=ordered)


def _place(entry: Descriptor) -> tuple[object, ...]:
    platform = entry.platform or Platform()
    return (platform.os, platform.architecture, platform.variant, platform.os_version,
            frozenset(platform.os_features))


def _rank(entry: Descriptor) -> tuple[object, ...]:
    platform = entry.platform or Platform()
    version = numbers(platform.os_version)
    downwards = tuple(-number for number in (*version, 0)[:4]) if version else (1,)
    return (not is_image(entry), platform.os != "windows", platform.os, platform.architecture, platform.variant,
            downwards, platform.os_version, -len(platform.os_features), platform.os_features, entry.digest,
            entry.to_json())


def _means(wanted: str, entry: Descriptor) -> bool:
    platform = entry.platform or Platform()
    plain = wanted.removeprefix("sha256:")
    if len(plain) >= 6 and re.fullmatch(r"[0-9a-f]+", plain) and entry.digest.hex.startswith(plain):
        return True
    if _VERSION.fullmatch(wanted):
        parts = wanted.split(".")
        return is_image(entry) and platform.os_version.split(".")[:len(parts)] == parts
    return wanted in (entry.digest, str(platform), describe_place(entry)) or (
        is_image(entry) and wanted == f"{platform.os}/{platform.architecture}")


def _os_version(entry: Descriptor) -> str:
    return entry.platform.os_version if entry.platform else ""


def _architecture(entry: Descriptor) -> str:
    return entry.platform.architecture if entry.platform else ""
