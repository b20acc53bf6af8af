# SPDX-License-Identifier: Apache-2.0
"""Change the registry of an image: a new image with one layer more, whose ``Hives`` hold the deltas.

Where the layer goes. A delta counts wherever its layer stands, and files do not care; but a host with CimFS merges a
delta with the hive that the layer directly below left, and one without that delta left none (hcsshim
``internal/wclayer/cim/registry.go``). So the layer is put directly above the topmost layer that has such a delta, or
above the base: in images whose registry nobody changed, below the layers of files. Deltas that the layer above it has
are given to it too, empty. Where two hives have their topmost deltas in different layers, each gets a layer of its own.

A user's hive has no delta: it is written whole, as the file of the profile that it is.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ...codec import Compression
from ...errors import InputError, NotFoundError, UnsupportedError
from ...events import Event, Finish, Result, Step, Warn
from ...hive import Change, Key, KeyLike, edited, write
from ...hive.edits.delta import ROOT_NAME
from ...hive.edits.edit import AddKey, DeleteKey, Edit, moved
from ...hive.places import HIVES, HiveName
from ...layer import Entry, Kind, LayerWriter, Times
from ...lint import Finding, LayerLinter, Severity
from ...oci import Descriptor, History, Image, insert
from ...stores import Store
from ...windows import attributes as attribute
from ...windows.acl.inherit import inherited
from ...windows.filetime import to_iso
from ...windows.security import SecurityDescriptor
from ...windows.sid import ADMINISTRATORS
from ..inspect.rootfs import Rootfs
from ..library import Found
from ..put import Layer, promise_layers, put_image, put_layer
from .read import Registry

Deltas = Literal["auto", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEdit:
    """What to change. Paths of ``edits`` begin with a root; ``epoch`` is the FILETIME of all that is new.

    ``deltas``: with ``all`` the layer has all five, as layers have that Windows made; ``auto`` only those it needs.
    ``says`` is the line of the history. ``user`` is whose hive HKEY_CURRENT_USER is. ``new_profiles``: a user's hive
    that the image does not have, nor one to copy, begins empty.
    """

    edits: tuple[Edit, ...]
    epoch: int
    compression: Compression
    deltas: Deltas = "auto"
    says: str = "wcow reg"
    user: str = ""
    new_profiles: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """The new image; ``hives`` are those that changed, none when the edits came to nothing and it is the old one."""

    image: Image
    descriptor: Descriptor
    hives: tuple[str, ...]


def edit_registry(found: Found, rootfs: Rootfs, request: RegistryEdit, local: Store, *,
                  tag: str | None = None) -> Iterator[Event]:
    """Apply the edits to the image that was ``found``, and call the outcome ``tag`` in ``local``. Ends with
    :class:`Edited`. Nothing is named before all of it is there."""
    registry = Registry(rootfs, user=request.user)
    deltas, files = yield from _changed(registry, request)
    image, history = found.image, History(created=to_iso(request.epoch), created_by=request.says)
    hives = tuple(sorted((*(hive.root for hive in deltas), *(hive.root for hive in files))))
    top = len(image.layers)
    places = _places(registry, list(deltas), rootfs) if deltas else {}
    profiles = yield from _profile_entries(registry, rootfs, files, request.epoch)
    if profiles:
        places.setdefault(top, ([], []))
    for position in sorted(places, reverse=True):  # from the top, so that the numbers below stay what they are
        changed, empty = places[position]
        if request.deltas == "all" and changed:
            empty = yield from _all_others(registry, position, changed, empty)
        own = {hive.delta(): _delta_bytes(deltas[hive], hive, request.epoch) for hive in changed}
        for hive in empty:
            root = yield from registry.root(hive)
            own[hive.delta()] = _delta_bytes(_nothing(root), hive, request.epoch)
        yield Step(f"registry {position}", f"writing layer {position}: {', '.join(sorted(own)) or 'profiles'}")
        layer = _write_layer(local, own, profiles if position == top else [], request)
        image = insert(image, position, layer.descriptor, layer.diff_id, history)
        yield Finish(f"registry {position}")
    yield from promise_layers(local, image, (found,))
    descriptor = put_image(local, image, tag=tag)
    yield Result(Edited(image, descriptor, hives), {"digest": str(descriptor.digest), "changed": list(hives)})


def _changed(registry: Registry, request: RegistryEdit) -> Generator[
        Event, None, tuple[dict[HiveName, Key], dict[HiveName, bytes]]]:
    """The deltas that the edits come to, and the users' hives as they are then; what stays as it is is left out."""
    by_hive: dict[HiveName, list[Edit]] = {}
    for edit in request.edits:
        place = yield from registry.place(edit.path)
        if isinstance(edit, DeleteKey) and not place.path:
            raise InputError(f"cannot delete {edit.path}", why="it is the root of a hive", hint="name a key below it")
        if not (isinstance(edit, AddKey) and not place.path):
            by_hive.setdefault(place.hive, []).append(moved(edit, place.path))
    deltas: dict[HiveName, Key] = {}
    files: dict[HiveName, bytes] = {}
    for hive, edits in by_hive.items():
        try:
            root = yield from registry.root(hive)
        except NotFoundError:
            if hive.kind == "machine" or not request.new_profiles:
                raise
            root = Key(ROOT_NAME)
        if hive.kind != "machine":
            after = edited(root, edits, timestamp=request.epoch)
            if after is not root:
                files[hive] = write(after, name=hive.root, timestamp=request.epoch)
            continue
        change = Change(root, timestamp=request.epoch)
        change.apply(*edits)
        delta = change.delta()
        if delta is not None:
            deltas[hive] = delta
    return deltas, files


def _places(registry: Registry, changed: Sequence[HiveName],
            rootfs: Rootfs) -> dict[int, tuple[list[HiveName], list[HiveName]]]:
    """The number each new layer gets (before any was put in), with the hives whose deltas it has to hold: those that
    change, and those that the layer above it changes, for which it needs an empty one."""
    own = {hive: registry.layers_with(hive) for hive in HIVES.values()}
    places: dict[int, tuple[list[HiveName], list[HiveName]]] = {}
    for hive in changed:
        position = max(own[hive], default=0) + 1
        places.setdefault(position, ([], []))[0].append(hive)
    for position, (here, empty) in places.items():
        empty += [hive for hive in HIVES.values() if position in own[hive] and hive not in here]
    return places


def _all_others(registry: Registry, position: int, changed: list[HiveName],
                empty: list[HiveName]) -> Generator[Event, None, list[HiveName]]:
    """The hives for which a layer that shall have all five deltas gets an empty one."""
    others = [hive for hive in HIVES.values() if hive not in changed]
    without = sorted(hive.delta() for hive in others
                     if position > 1 and position - 1 not in registry.layers_with(hive))
    if without:
        yield Warn(f"layer {position} cannot have all five deltas: the layer below it has no {', '.join(without)}",
                   code="deltas")
        return empty
    return others


def _nothing(root: KeyLike) -> Key:
    """A delta that changes nothing: its root has the security of what is below, which it would hide otherwise."""
    return Key(ROOT_NAME, (), (), root.security, root.class_name, root.last_write, control=root.control)


def _delta_bytes(delta: Key, hive: HiveName, epoch: int) -> bytes:
    return write(delta, name=f"Hives\\{hive.delta()}", layered=True, timestamp=epoch)


def _profile_entries(registry: Registry, rootfs: Rootfs, files: Mapping[HiveName, bytes],
                     epoch: int) -> Generator[Event, None, list[tuple[Entry, bytes | None]]]:
    """The entries that put users' hives into a layer: every folder on the way, as it is or as Windows would make it."""
    entries: dict[str, tuple[Entry, bytes | None]] = {}
    for hive, content in files.items():
        path = yield from registry.file_of(hive)
        parts = path.split("/")
        parent: Entry | None = None
        for depth in range(1, len(parts) + 1):
            here = "/".join(parts[:depth])
            last = depth == len(parts)
            existing = rootfs.union().get(here)
            if existing is not None and existing.entry.is_directory() == last:
                raise UnsupportedError(f"cannot write {path}", why=f"{here} is a {existing.entry.kind.value}")
            if existing is not None:
                entry = replace(existing.entry, kind=Kind.FILE if last else existing.entry.kind,
                                size=len(content) if last else 0, target="")
            else:
                like = rootfs.union().get(registry.template_of(hive)) if last else None
                attributes = attribute.DIRECTORY if not last else \
                    (like.entry.attributes if like is not None else None) or attribute.ARCHIVE | attribute.HIDDEN
                entry = Entry(here, Kind.FILE if last else Kind.DIRECTORY, len(content) if last else 0, attributes,
                              _inherited(parent, directory=not last), Times.all(epoch))
            entries.setdefault(entry.path, (entry, content if last else None))
            parent = entry
    return [entries[path] for path in sorted(entries, key=lambda path: path.upper().split("/"))]


def _inherited(parent: Entry | None, *, directory: bool) -> bytes | None:
    if parent is None or parent.security is None:
        return None
    above = SecurityDescriptor.from_bytes(parent.security)
    return inherited(above, directory=directory, owner=ADMINISTRATORS).to_bytes()


def _write_layer(local: Store, deltas: Mapping[str, bytes], files: Iterable[tuple[Entry, bytes | None]],
                 request: RegistryEdit) -> Layer:
    """Write the layer, and stop where Windows would not import it."""
    linter = LayerLinter(base=False)
    findings: list[Finding] = []
    times = Times.all(request.epoch)
    listed = [entry for entry, _unused in files]

    def fill(writer: LayerWriter) -> None:
        def add(entry: Entry, content: bytes | None = None) -> None:
            writer.add(entry, content)
            findings.extend(linter.entry(entry, content))

        if not any(entry.path == "Files" for entry in listed):
            add(Entry("Files", Kind.DIRECTORY, attributes=attribute.DIRECTORY, times=times))
        for entry, content in files:
            add(replace(entry, security=None) if entry.path == "Files" else entry, content)
        add(Entry("Hives", Kind.DIRECTORY, attributes=attribute.DIRECTORY, times=times))
        for name in sorted(deltas):
            add(Entry(f"Hives/{name}", Kind.FILE, len(deltas[name]), attribute.ARCHIVE, None, times), deltas[name])

    layer = put_layer(local, fill, request.compression)
    findings.extend(linter.finish())
    for finding in findings:
        if finding.severity is Severity.ERROR:
            raise InputError("Windows would not import the layer", why=f"{finding.rule}: {finding.path}: "
                             f"{finding.message}", rule=finding.rule,
                             hint=f"'wcow lint --explain {finding.rule}' says why")
    return layer


__all__ = ["Deltas", "Edited", "RegistryEdit", "edit_registry"]
