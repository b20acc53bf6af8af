# SPDX-License-Identifier: Apache-2.0
"""A repository of a registry (OCI distribution-spec 1.1), read through mirrors where there are some."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from ...errors import FormatError, NotFoundError, RegistryError, WcowError
from ...oci import MAX_SIZE, Descriptor, Location, Reference, describe, media
from ..port import Progress, Store
from ..verify import verified
from . import documents, referrers, tags
from .asking import Asking
from .download import Download, Get
from .mirrors import Place
from .mount import mount
from .upload import Upload
from .wire.endpoint import Endpoint, Retrier
from .wire.pages import instead_of_blob, page_error
from .wire.tokens import pull, push
from .wire.transport import Answer

if TYPE_CHECKING:
    from .client import RegistryClient


class RegistryStore:
    """One repository of a registry. Reads ask the mirrors first, writes go to the registry itself; where only mirrors
    may be asked and it is none, a write is a UsageError.

    ``client`` has the connections and tokens, and stays open when the store is closed.
    """

    def __init__(self, reference: Reference | str, *, client: RegistryClient) -> None:
        self.reference = Reference.parse(reference) if isinstance(reference, str) else reference
        self._client = client
        self._asking = Asking(client, self.reference)

    def __enter__(self) -> RegistryStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RegistryStore({self.reference.repository!r})"

    # --- reading --------------------------------------------------------------------------------------------------

    def resolve(self, reference: str) -> Descriptor:
        """See :class:`~..port.Store`. ``""`` means what the store's own reference names."""
        name = documents.target(reference or self.reference.target)
        what = f"cannot find {self.reference.repository}{'@' if ':' in name else ':'}{name}"
        return self._asking.first(lambda endpoint, place: documents.resolve(endpoint, place.repository, name, what))

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See :class:`~..port.Store`."""
        what = f"cannot read {self.reference.repository}@{descriptor.digest}"
        if descriptor.size > MAX_SIZE:
            raise FormatError(what, why=f"{descriptor.size} bytes is too large for a manifest or config",
                              source=str(descriptor.digest))
        return self._asking.first(lambda endpoint, place: documents.read(endpoint, place.repository, descriptor, what))

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """See :class:`~..port.Store`. A foreign layer the registry lacks comes from its ``urls``.

        What one mirror began another place goes on with, should the mirror fail on the way.
        """
        what = f"cannot read blob {descriptor.digest} of {self.reference.repository}"
        places = self._asking.places(descriptor.digest)

        def source(place: Place, endpoint: Endpoint) -> tuple[Get, Retrier]:
            def get(at: int, retrier: Retrier) -> Answer:
                answer = endpoint.request("GET", f"/v2/{place.repository}/blobs/{descriptor.digest}", what=what,
                                          scopes=pull(place.repository), retrier=retrier,
                                          headers={"Range": f"bytes={at}-"} if at else {})
                if answer.status not in (200, 206):
                    raise endpoint.error(answer, what)
                if instead_of_blob(answer, descriptor.size):
                    raise page_error(answer, what, host=endpoint.host)
                return answer

            self._asking.serves(place, descriptor.digest)
            return get, endpoint.retrier()

        def elsewhere(error: RegistryError) -> tuple[Get, Retrier] | None:
            self._asking.failed(descriptor.digest, error)
            following = next(places, None)
            return source(*following) if following else None

        def opened(endpoint: Endpoint, place: Place) -> BinaryIO:
            get, retrier = source(place, endpoint)
            return cast(BinaryIO, Download(get, descriptor, offset=offset, retrier=retrier, what=what,
                                           elsewhere=elsewhere))

        if offset >= descriptor.size > 0:  # no registry serves the very end of a blob
            return verified(io.BytesIO(b""), descriptor, offset=offset, what=what)
        try:
            stream = self._asking.first(opened, places)
        except NotFoundError:
            if not (descriptor.urls and media.is_foreign(descriptor.media_type)):
                raise
            stream = self._foreign(descriptor, offset, what)
        return verified(stream, descriptor, offset=offset,
                        what=f"blob {descriptor.digest} of {self.reference.repository}")

    def distrust(self, descriptor: Descriptor) -> bool:
        """A blob that was read turned out not to be what it should: do not ask that place for it again. True when
        there is another to ask."""
        return self._asking.distrust(descriptor.digest)

    def has_blob(self, descriptor: Descriptor) -> bool:
        """See :class:`~..port.Store`. Asks where a push goes; where none may go (air-gapped), the mirrors."""
        what = f"cannot ask {self.reference.repository} for {descriptor.digest}"
        mirrors = self._client.mirrors
        pushing = mirrors.may_push(self.reference)
        for place in (self._home(),) if pushing else mirrors.places(self.reference):
            endpoint = self._endpoint(place)
            path = f"/v2/{place.repository}/{documents.kind_of(descriptor)}/{descriptor.digest}"
            answer = endpoint.request("HEAD", path, headers=documents.ACCEPT, what=what,
                                      scopes=(push if pushing else pull)(place.repository))
            answer.drop()
            if instead_of_blob(answer, descriptor.size):
                raise page_error(answer, what, host=endpoint.host)
            if answer.status == 200:
                return True
            if answer.status != 404:
                raise endpoint.error(answer, what)
        return False

    def tags(self) -> list[str]:
        """See :class:`~..port.Store`. A repository that is not there has none."""
        what = f"cannot list the tags of {self.reference.repository}"
        try:
            return sorted(self._asking.first(lambda endpoint, place: tags.listed(endpoint, place.repository, what)))
        except NotFoundError:
            return []

    def referrers(self, descriptor: Descriptor) -> list[Descriptor]:
        """What is attached to a manifest or index here: signatures, SBOMs, provenance."""
        what = f"cannot list what is attached to {self.reference.repository}@{descriptor.digest}"
        return self._asking.first(lambda endpoint, place: referrers.ask(endpoint, place.repository, descriptor.digest,
                                                                        what))

    # --- writing --------------------------------------------------------------------------------------------------

    def new_blob(self) -> Upload:
        """See :class:`~..port.Store`."""
        place = self._home()
        return Upload(self._endpoint(place), place.repository, chunk=self._client.chunk_size)

    def take_blob(self, source: Store, descriptor: Descriptor, progress: Progress) -> None:
        """Copy a blob from a store that has it, in as few requests as its size allows."""
        with self.new_blob() as blob:
            blob.send(lambda at: source.open_blob(descriptor, offset=at), descriptor.size, progress)
            blob.commit(descriptor.digest, descriptor.size)

    def mount_from(self, source: object, descriptor: Descriptor) -> bool:
        """Let the registry take a blob over from another of its repositories; False when it cannot.

        ``source`` is that repository (a Reference or RegistryStore), or a store that knows where a blob comes from.
        Only the registry that is pushed to is asked, and only for a repository it may have under that name: what a
        mirror has of another registry's, or of a registry that may not be asked, is no reason.
        """
        place = self._home()
        what = f"cannot mount {descriptor.digest} into {self.reference.repository}"
        for other in _repositories(source, descriptor):
            if other.domain == self.reference.domain and other.path != self.reference.path \
                    and self._may_have(place, other) \
                    and mount(self._endpoint(place), place.repository, other.path, descriptor, what):
                return True
        return False

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Descriptor:
        """See :class:`~..port.Store`. The registry itself checks that what it refers to is there. Where it does not
        list what is attached to an image, the tag for that is kept (see ``referrers``)."""
        descriptor = describe(data, media_type)
        name = documents.target(tag) if tag else str(descriptor.digest)
        what = f"cannot push {self.reference.repository}{':' if tag else '@'}{name}"
        place = self._home()
        endpoint = self._endpoint(place)
        listed = documents.put(endpoint, place.repository, name, data, descriptor, what)
        subject = referrers.subject_of(data, media_type)
        if subject is not None and not listed:
            with self._client.lock:  # two artefacts pushed at once would each forget the other
                referrers.list_by_tag(endpoint, place.repository, referrers.entry_for(data, media_type),
                                      subject.digest, what)
        return descriptor

    def untag(self, tag: str) -> None:
        """See :class:`~..port.Store`. UnsupportedError where a registry can only delete whole images."""
        place = self._home()
        tags.remove(self._endpoint(place), place.repository, documents.target(tag),
                    f"cannot remove the tag {self.reference.repository}:{tag}")

    def expect_push(self) -> None:
        """Raise now what a later write would: UsageError where only mirrors may be asked. Asks nobody."""
        self._home()

    def close(self) -> None:
        """See :class:`~..port.Store`. The client stays open."""

    # --- details --------------------------------------------------------------------------------------------------

    def _home(self) -> Place:
        return self._client.mirrors.home(self.reference)

    def _may_have(self, place: Place, other: Reference) -> bool:
        """Whether ``other`` is read from ``place``'s registry, if only as a last resort, under its own path."""
        return any((one.host, one.repository) == (place.host, other.path)
                   for one in self._client.mirrors.places(other))

    def _endpoint(self, place: Place) -> Endpoint:
        return self._client.endpoint(place.host, place.scheme)

    def _foreign(self, descriptor: Descriptor, offset: int, what: str) -> BinaryIO:
        last: WcowError = NotFoundError(what, why="none of its urls has it")
        retrier = self._endpoint(self._home()).retrier()
        for url in descriptor.urls:
            def get(at: int, retrier: Retrier, url: str = url) -> Answer:
                answer = retrier.run(lambda: self._client.fetch(url, offset=at, what=what))
                if answer.status not in (200, 206):
                    answer.drop()
                    raise NotFoundError(what, why=f"one of its urls answered {answer.status}")
                if instead_of_blob(answer, descriptor.size):
                    raise page_error(answer, what, host="one of its urls")
                return answer

            try:
                return cast(BinaryIO, Download(get, descriptor, offset=offset, retrier=retrier, what=what))
            except WcowError as error:
                last = error
        raise last


def _repositories(source: object, descriptor: Descriptor) -> list[Reference]:
    if isinstance(source, Reference):
        return [source]
    if isinstance(source, RegistryStore):
        return [source.reference]
    origins = getattr(source, "origins", None)
    if origins is None:
        return []
    places = cast(list[Location], origins(descriptor.digest))
    return [place.reference for place in places if place.transport == "docker" and place.reference]
