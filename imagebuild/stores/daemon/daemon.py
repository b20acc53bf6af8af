# SPDX-License-Identifier: Apache-2.0
"""The images of a docker daemon, by way of ``docker save`` and ``docker load``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ...dockerapi import Client
from ...dockerapi.jsonlines import message
from ...errors import DaemonError, NotFoundError, WcowError
from ...oci import Descriptor, Manifest, Reference, describe, from_bytes, is_index
from ..archive.archive import ArchiveStore
from ..archive.write import ArchiveBlob
from ..layout import names
from ..layout.files import translated, trouble
from .layers import archive_without, layers_there
from .words import asking, refused

SILENCE = 300.0
"""Seconds that a daemon may say nothing."""


class DaemonStore:
    """What a docker daemon holds, by default the one that the docker command would use.

    Its tags are image names (``app:1``, ``docker.io/library/app:1``).

    Nothing is in the daemon until :meth:`put_manifest` gives a name: then everything written goes over as one
    archive. Reading exports the image to a temporary file first.
    """

    def __init__(self, client: Client | None = None) -> None:
        self._client = client or Client.from_environment(silence=SILENCE)
        self._folder: Path | None = None
        self._exports: dict[str, ArchiveStore] = {}
        self._draft: ArchiveStore | None = None
        self._loaded: dict[str, str] = {}

    def __enter__(self) -> DaemonStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # --- reading --------------------------------------------------------------------------------------------------

    def resolve(self, reference: str) -> Descriptor:
        """See :class:`~..port.Store`."""
        name = _name(reference)
        what = f"cannot find {name} in docker"
        inspected = self._json("GET", f"/images/{name}/json", what=what)
        if not isinstance(inspected, dict):
            raise DaemonError(what, why="docker's answer is no image", status=200)
        archive = self._export(name)
        try:
            return archive.resolve(reference)
        except NotFoundError:
            return archive.resolve("")

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See :class:`~..port.Store`. Only of images that were resolved."""
        return self._holder(descriptor).manifest(descriptor)

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """See :class:`~..port.Store`. Only of images that were resolved."""
        return self._holder(descriptor).open_blob(descriptor, offset=offset)

    def has_blob(self, descriptor: Descriptor) -> bool:
        """See :class:`~..port.Store`. The daemon cannot be asked for single blobs, so what was not written through
        this store is not there."""
        return self._draft is not None and self._draft.has_blob(descriptor)

    def tags(self) -> list[str]:
        """See :class:`~..port.Store`."""
        images = self._json("GET", "/images/json", what="cannot list docker's images")
        out: set[str] = set()
        for image in images if isinstance(images, list) else ():
            for tag in image.get("RepoTags") or ():
                with suppress(WcowError):
                    out.add(str(Reference.parse(str(tag))))
        return sorted(out)

    # --- writing --------------------------------------------------------------------------------------------------

    def new_blob(self) -> ArchiveBlob:
        """See :class:`~..port.Store`."""
        return self._writing().new_blob()

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Descriptor:
        """See :class:`~..port.Store`. With a tag everything goes to the daemon, which is then asked whether it is
        there."""
        descriptor = describe(data, media_type)
        if tag is None:
            return self._writing().put_manifest(data, media_type)
        name = _name(tag)
        known = self._loaded.get(descriptor.digest)
        if known is not None:
            self._tag(known, name)
        else:
            draft = self._writing()
            draft.put_manifest(data, media_type, tag=str(Reference.parse(tag).tagged()) if tag else "")
            self._load(draft, name, descriptor)
            self._loaded[descriptor.digest] = name
        return descriptor

    def untag(self, tag: str) -> None:
        """See :class:`~..port.Store`. Docker removes the image itself with its last name."""
        name = _name(tag)
        self._json("DELETE", f"/images/{name}", query={"noprune": "true"}, what=f"cannot remove {name} from docker")

    def close(self) -> None:
        """See :class:`~..port.Store`."""
        draft, self._draft = self._draft, None
        if draft is not None:
            draft.abort()
            draft.close()
        for archive in self._exports.values():
            archive.close()
        self._exports = {}
        self._client.close()
        folder, self._folder = self._folder, None
        if folder is not None:
            import shutil

            shutil.rmtree(folder, ignore_errors=True)

    # --- details --------------------------------------------------------------------------------------------------

    def _temporary(self) -> Path:
        if self._folder is None:
            import tempfile

            with translated("cannot make a temporary folder"):
                self._folder = Path(tempfile.mkdtemp(prefix="wcow-docker-"))
        return self._folder

    def _writing(self) -> ArchiveStore:
        if self._draft is None:
            self._draft = ArchiveStore(self._temporary() / "load.tar", create=True)
        return self._draft

    def _load(self, draft: ArchiveStore, name: str, descriptor: Descriptor) -> None:
        what = f"cannot load {name} into docker"
        self._draft = None
        draft.close()
        try:
            if not self._load_without(draft.path, descriptor, what):
                with draft.path.open("rb") as stream:
                    load(self._client, stream, what=what)
        except OSError as error:
            raise trouble(what, error) from error
        finally:
            with suppress(OSError):  # the error before it counts
                draft.path.unlink()
        try:
            self._json("GET", f"/images/{name}/json", what=what)
        except NotFoundError as error:
            raise DaemonError(what, why="docker took the archive, and does not know the image by its name",
                              hint="see its log", status=404) from error

    def _load_without(self, path: Path, descriptor: Descriptor, what: str) -> bool:
        """Send the archive without the layers that docker has; whether that was possible, and docker took it."""
        if is_index(descriptor.media_type):
            return False
        with ArchiveStore(path) as archive:
            data = archive.manifest(descriptor)
            manifest = Manifest.from_bytes(data)
            image = from_bytes(data, archive.manifest(manifest.config))
            if len(image.diff_ids) != len(manifest.layers):
                return False
            count = layers_there(self._client, [str(one) for one in image.diff_ids])
            needed = {str(layer.digest) for layer in manifest.layers[count:]}
            places = archive.places({str(layer.digest) for layer in manifest.layers[:count]} - needed)
        if not places:
            return False
        try:
            load(self._client, archive_without(path, places), what=what)
        except DaemonError:
            return False  # its store is another one than it says
        return True

    def _tag(self, known: str, name: str) -> None:
        repository, _unused, tag = name.rpartition(":")
        self._json("POST", f"/images/{known}/tag", query={"repo": repository, "tag": tag},
                   what=f"cannot name {name} in docker")

    def _export(self, name: str) -> ArchiveStore:
        found = self._exports.get(name)
        if found is not None:
            return found
        what = f"cannot save {name} from docker"
        path = self._temporary() / f"save-{len(self._exports)}.tar"
        with (translated(what), asking(what), self._client.call("GET", "/images/get", query={"names": name}) as answer,
              path.open("wb") as target):
            for part in answer:
                target.write(part)
        archive = ArchiveStore(path)
        self._exports[name] = archive
        return archive

    def _json(self, method: str, path: str, *, what: str, query: dict[str, str] | None = None) -> Any:
        with asking(what):
            return self._client.json(method, path, query=query)

    def _holder(self, descriptor: Descriptor) -> ArchiveStore:
        held = list(self._exports.values())
        if self._draft is not None:
            held.append(self._draft)
        for archive in held:
            if archive.has_blob(descriptor):
                return archive
        raise NotFoundError(f"blob {descriptor.digest} is not there", why="docker gave no image that has it",
                            hint="resolve the image first")


def load(client: Client, archive: BinaryIO | Iterator[bytes], *, what: str) -> list[str]:
    """Give a daemon an archive; the lines it says. DaemonError when it refuses, also late, in its answer."""
    lines = []
    with asking(what), closing(client.lines("POST", "/images/load", query={"quiet": True}, body=archive)) as documents:
        for said in map(message, documents):
            if said.error:
                raise refused(what, said.error, status=200)
            lines.append(said.stream.strip())
    return lines


def _name(reference: str) -> str:
    """The name docker knows an image by; an image id stays one."""
    if names.as_digest(reference) is not None:
        return reference
    return Reference.parse(reference).tagged().familiar
