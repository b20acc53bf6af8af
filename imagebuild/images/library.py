# SPDX-License-Identifier: Apache-2.0
"""Where an image is looked for: the local store first, then its registry, unless we are offline.

Push always means the registry. A name given with a transport (``oci:``, ``docker://`` …) is looked for there only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import FormatError, IntegrityError, NotFoundError, WcowError
from ..oci import Descriptor, Digest, Image, Index, Location, Platform, choose, from_bytes, is_index
from ..oci import parse as parse_manifest
from ..stores import Store, put_bytes


@dataclass(frozen=True, slots=True)
class Found:
    """An image and the store that has its blobs.

    ``name`` is how people call it, ``location`` where it was found, ``descriptor`` its manifest's, ``index`` the
    descriptor of the index it was picked from (``None`` for a plain image), ``choices`` the entries that fitted.
    """

    image: Image
    store: Store
    name: str
    location: Location
    descriptor: Descriptor
    index: Descriptor | None = None
    choices: tuple[Descriptor, ...] = ()

    def origin(self) -> str:
        """Where the blobs can be had again later, or the empty text: only a registry keeps them for us."""
        reference = self.location.reference
        if self.location.transport != "docker" or reference is None:
            return ""
        return f"docker://{reference.repository}@{self.descriptor.digest}"


Opener = Callable[[Location], Store]


class Library:
    """Looks images up. ``open_store`` gives the store that a location names; ``local`` is the user's own.

    With ``keep_pinned``, which the owner may set, :meth:`find` keeps in the local store what it read of an image whose
    name has a digest: the next time nobody is asked. It belongs to no name there, so ``system prune`` frees it.
    """

    def __init__(self, local: Store, open_store: Opener, *, offline: bool = False) -> None:
        self.local = local
        self.offline = offline
        self._open = open_store
        self.keep_pinned = False
        self._opened: dict[str, Store] = {}

    def open(self, location: Location) -> Store:
        """The store that ``location`` names; a bare name names the local store."""
        if not location.transport:
            return self.local
        reference = location.reference
        key = f"{location.transport}:{reference.repository if reference else location.path}"
        if key not in self._opened:
            self._opened[key] = self._open(location)
        return self._opened[key]

    def close(self) -> None:
        """Close every store that was opened."""
        for store in (*self._opened.values(), self.local):
            store.close()

    def here(self) -> Library:
        """Return the same library without registries: it shares the local store, and closes nothing."""
        def opened(location: Location) -> Store:
            if location.transport == "docker":
                raise NotFoundError(f"cannot find {location}", why="only this machine is searched")
            return self.open(location)

        return Library(self.local, opened, offline=True)

    def resolve(self, name: str, *, pull: bool = False) -> tuple[Store, Location, Descriptor]:
        """The store, the place and the descriptor (of a manifest or an index) that ``name`` means.

        ``pull`` asks the registry even when the local store has the name. NotFoundError when nobody has it.
        """
        location = Location.parse(name)
        if location.transport:
            store = self.open(location)
            return store, location, store.resolve(selector(location))
        missing: WcowError | None = None
        if not pull or self.offline:
            try:
                return self.local, location, self.local.resolve(selector(location))
            except NotFoundError as error:
                missing = error
        if self.offline:
            raise NotFoundError(f"cannot find {name}",
                                why="it is not in the local store, and --offline ends the search there",
                                hint=f"run 'wcow pull {name}' while online", name=name) from missing
        remote = replace(location, transport="docker")
        store = self.open(remote)
        try:
            return store, remote, store.resolve(selector(remote))
        except WcowError as error:
            if missing is not None:
                error.why = f"{error.why}; and the local store has no such name" if error.why else error.why
            raise

    def find(self, name: str, platform: Platform, *, pull: bool = False, prefer: str = "") -> Found:
        """The image that ``name`` means on ``platform``: of an index the first entry that fits, as docker takes it.

        Where several fit, those of the Windows build of ``prefer`` (an os.version) go first.
        """
        if not pull and (pinned := self._pinned(name, platform, prefer)) is not None:
            return pinned
        store, location, descriptor = self.resolve(name, pull=pull)
        documents: list[tuple[Descriptor, bytes]] = []

        def read(wanted: Descriptor) -> bytes:
            documents.append((wanted, store.manifest(wanted)))
            return documents[-1][1]

        found = load(store, location, descriptor, name, platform, prefer=prefer, read=read)
        if self.keep_pinned and location.transport == "docker" and _digest(Location.parse(name)) is not None:
            for wanted, data in documents:
                put_bytes(self.local, data, wanted.media_type)
        return found

    def _pinned(self, name: str, platform: Platform, prefer: str) -> Found | None:
        """An image of a registry whose name has a digest, from what was kept of it. A digest names one content for
        ever; its layers are still the registry's."""
        location = Location.parse(name)
        digest = _digest(location)
        if digest is None or self.offline:
            return None
        try:
            self.local.resolve(selector(location))
            return None  # the local store has all of it, under this very name
        except NotFoundError:
            remote = replace(location, transport="docker")
        try:
            descriptor = self.local.resolve(str(digest))
            return load(self.open(remote), remote, descriptor, name, platform, prefer=prefer, read=self.local.manifest)
        except (NotFoundError, IntegrityError, FormatError):
            return None  # not, or no longer, or not all of it


def load(store: Store, location: Location, descriptor: Descriptor, name: str, platform: Platform, *,
         prefer: str = "", read: Callable[[Descriptor], bytes] | None = None) -> Found:
    """The image behind a descriptor of a manifest or an index. ``read`` reads documents, instead of ``store``."""
    read = read or store.manifest
    index: Descriptor | None = None
    choices: tuple[Descriptor, ...] = ()
    if is_index(descriptor.media_type):
        index = descriptor
        listing = parse_manifest(read(descriptor), descriptor.media_type, source=name)
        assert isinstance(listing, Index)
        choices = choose(listing, platform.os, platform.architecture, platform.os_version or None)
        if not choices:
            offered = ", ".join(str(entry.platform) for entry in listing.manifests if entry.platform)
            raise NotFoundError(f"cannot use {name} for {platform}",
                                why=f"its index offers {offered or 'no platform at all'}",
                                hint="choose one of these with --platform or --os-version", name=name)
        build = prefer.split(".")[:3]
        descriptor = min(choices, key=lambda entry: not (
            prefer and entry.platform is not None and entry.platform.os_version.split(".")[:3] == build))
    manifest = read(descriptor)
    parsed = parse_manifest(manifest, descriptor.media_type, source=name)
    if isinstance(parsed, Index):
        raise NotFoundError(f"cannot use {name}", why="it is an index inside an index", name=name)
    image = from_bytes(manifest, read(parsed.config), source=name)
    return Found(image, store, name, location, descriptor, index, choices)


def _digest(location: Location) -> Digest | None:
    """The digest in a bare name."""
    return location.reference.digest if not location.transport and location.reference is not None else None


def selector(location: Location) -> str:
    """What to ask a store for: its full name in the local store, the tag or digest in a registry, the name inside
    a folder or archive (empty: the only one)."""
    reference = location.reference
    if reference is None:
        return location.tag
    if location.transport == "docker":
        return reference.target
    if location.transport == "docker-daemon":
        return reference.familiar
    return str(reference.tagged())
