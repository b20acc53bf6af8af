# SPDX-License-Identifier: Apache-2.0
"""A repository of a registry (OCI distribution-spec 1.1), read through mirrors where there are some."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar, cast
from urllib.parse import quote, urlencode

from ..errors import (
    FormatError,
    IntegrityError,
    NotFoundError,
    RegistryError,
    StoreError,
    UnsupportedError,
    UsageError,
    WcowError,
)
from ..oci import MAX_SIZE, Descriptor, Digest, Location, Reference, describe, is_tag, media
from . import referrers
from .answers import TEMPORARY
from .client import RegistryClient
from .download import Download, Get
from .endpoint import Endpoint, Retrier
from .mirrors import Place, origin
from .port import Progress, Store
from .tokens import Scopes, pull, push
from .transport import Answer
from .upload import Upload
from .verify import check, verified

_ACCEPT = {"Accept": ", ".join(media.ACCEPT)}
_MAX_PAGES = 1000
_T = TypeVar("_T")


class RegistryStore:
    """One repository of a registry. Reads ask the mirrors first, writes go to the registry itself.

    Pass a ``client`` to share connections and tokens; else one is made, and closed with the store.
    """

    def __init__(self, reference: Reference | str, *, client: RegistryClient | None = None) -> None:
        self.reference = Reference.parse(reference) if isinstance(reference, str) else reference
        self._client = client or RegistryClient()
        self._owns = client is None
        self._served: dict[Digest, Place] = {}
        self._distrusted: set[tuple[Place, Digest]] = set()

    def __enter__(self) -> RegistryStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RegistryStore({self.reference.repository!r})"

    # --- reading --------------------------------------------------------------------------------------------------

    def resolve(self, reference: str) -> Descriptor:
        """See :class:`~.port.Store`. ``""`` means what the store's own reference names."""
        target = _target(reference or self.reference.target)
        mark = "@" if ":" in target else ":"
        what = f"cannot find {self.reference.repository}{mark}{target}"
        return self._first(what, lambda endpoint, repository: self._resolve(endpoint, repository, target, what))

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See :class:`~.port.Store`."""
        what = f"cannot read {self.reference.repository}@{descriptor.digest}"
        if descriptor.size > MAX_SIZE:
            raise FormatError(what, why=f"{descriptor.size} bytes is too large for a manifest or config",
                              source=str(descriptor.digest))
        kinds = _kinds(descriptor.media_type)

        def read(endpoint: Endpoint, repository: str) -> bytes:
            answer = self._get_any(endpoint, repository, kinds, descriptor, what)
            data = answer.read(descriptor.size + 1)
            return check(data, descriptor, what=f"document {descriptor.digest} of {endpoint.host}")

        return self._first(what, read)

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """See :class:`~.port.Store`. A foreign layer the registry lacks comes from its ``urls``.

        What one mirror began another place goes on with, should the mirror fail on the way.
        """
        what = f"cannot read blob {descriptor.digest} of {self.reference.repository}"
        places = self._asked(descriptor.digest)

        def source(place: Place, endpoint: Endpoint) -> tuple[Get, Retrier]:
            def get(at: int, retrier: Retrier) -> Answer:
                answer = endpoint.request("GET", f"/v2/{place.repository}/blobs/{descriptor.digest}", what=what,
                                          scopes=pull(place.repository), retrier=retrier,
                                          headers={"Range": f"bytes={at}-"} if at else {})
                if answer.status not in (200, 206):
                    raise endpoint.error(answer, what)
                return answer

            self._served[descriptor.digest] = place
            return get, endpoint.retrier()

        def elsewhere(error: RegistryError) -> tuple[Get, Retrier] | None:
            self._note_down(self._served[descriptor.digest], error)
            following = next(places, None)
            return source(*following) if following else None

        def opened(endpoint: Endpoint, place: Place) -> BinaryIO:
            get, retrier = source(place, endpoint)
            return cast(BinaryIO, Download(get, descriptor, offset=offset, retrier=retrier, what=what,
                                           elsewhere=elsewhere))

        if offset >= descriptor.size > 0:
            return _nothing(descriptor, offset, what)
        try:
            stream = self._first_of(places, opened)
        except NotFoundError:
            if not (descriptor.urls and media.is_foreign(descriptor.media_type)):
                raise
            stream = self._foreign(descriptor, offset, what)
        return verified(stream, descriptor, offset=offset,
                        what=f"blob {descriptor.digest} of {self.reference.repository}")

    def distrust(self, descriptor: Descriptor) -> bool:
        """A blob that was read turned out not to be what it should: do not ask that place for it again. True when
        there is another to ask."""
        place = self._served.pop(descriptor.digest, None)
        if place is not None:
            self._distrusted.add((place, descriptor.digest))
        return any((other, descriptor.digest) not in self._distrusted
                   for other in self._client.mirrors.places(self.reference))

    def has_blob(self, descriptor: Descriptor) -> bool:
        """See :class:`~.port.Store`. Asks where a push would go; in air-gapped use, the mirrors."""
        what = f"cannot ask {self.reference.repository} for {descriptor.digest}"
        kind = "manifests" if media.is_manifest(descriptor.media_type) or media.is_index(descriptor.media_type) \
            else "blobs"
        for place in self._client.mirrors.places(self.reference) if self._client.mirrors.only else (self._home(),):
            endpoint = self._endpoint(place)
            answer = endpoint.request("HEAD", f"/v2/{place.repository}/{kind}/{descriptor.digest}", headers=_ACCEPT,
                                      scopes=pull(place.repository) if self._client.mirrors.only else
                                      push(place.repository), what=what)
            answer.drop()
            if answer.status == 200:
                return True
            if answer.status != 404:
                raise endpoint.error(answer, what)
        return False

    def tags(self) -> list[str]:
        """See :class:`~.port.Store`. A repository that is not there has none."""
        what = f"cannot list the tags of {self.reference.repository}"
        try:
            return sorted(self._first(what, lambda endpoint, repository: self._tags(endpoint, repository, what)))
        except NotFoundError:
            return []

    def referrers(self, descriptor: Descriptor) -> list[Descriptor]:
        """What is attached to a manifest or index here: signatures, SBOMs, provenance."""
        what = f"cannot list what is attached to {self.reference.repository}@{descriptor.digest}"
        return self._first(what, lambda endpoint, repository: referrers.ask(endpoint, repository, descriptor.digest,
                                                                            what))

    # --- writing --------------------------------------------------------------------------------------------------

    def new_blob(self) -> Upload:
        """See :class:`~.port.Store`."""
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
        """
        for other in _repositories(source, descriptor):
            if other.domain == self.reference.domain and other.path != self.reference.path \
                    and self._mount(other.path, descriptor):
                return True
        return False

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Descriptor:
        """See :class:`~.port.Store`. The registry itself checks that what it refers to is there. Where it does not
        list what is attached to an image, the tag for that is kept (see ``referrers``)."""
        descriptor = describe(data, media_type)
        target = _target(tag) if tag else str(descriptor.digest)
        what = f"cannot push {self.reference.repository}{':' if tag else '@'}{target}"
        place = self._home()
        endpoint = self._endpoint(place)
        answer = endpoint.request("PUT", f"/v2/{place.repository}/manifests/{target}", scopes=push(place.repository),
                                  what=what, headers={"Content-Type": media_type}, body=data)
        if answer.status not in (200, 201, 202):
            raise endpoint.error(answer, what)
        answer.drop()
        said = answer.header("docker-content-digest")
        if said and said.startswith("sha256:") and said != descriptor.digest:
            raise IntegrityError(what, why=f"{place.host} kept {said[:80]}, not {descriptor.digest}",
                                 expected=descriptor.digest, found=said)
        subject = referrers.subject_of(data, media_type)
        if subject is not None and not answer.header("oci-subject"):
            with self._client.lock:  # two artefacts pushed at once would each forget the other
                referrers.list_by_tag(endpoint, place.repository, referrers.entry_for(data, media_type),
                                      subject.digest, what)
        return descriptor

    def untag(self, tag: str) -> None:
        """See :class:`~.port.Store`. UnsupportedError where a registry can only delete whole images."""
        what = f"cannot remove the tag {self.reference.repository}:{tag}"
        place = self._home()
        endpoint = self._endpoint(place)
        scopes: Scopes = (f"repository:{place.repository}:delete,pull",)
        path = f"/v2/{place.repository}/manifests/{_target(tag)}"
        answer = endpoint.request("DELETE", path, scopes=scopes, what=what)
        if answer.status in (400, 405):
            answer.drop()
            raise UnsupportedError(what, why=f"{place.host} answered {answer.status}: it does not remove single tags",
                                   hint="use the registry's own tools")
        if answer.status not in (200, 202, 204):
            raise endpoint.error(answer, what)
        answer.drop()

    def close(self) -> None:
        """See :class:`~.port.Store`."""
        if self._owns:
            self._client.close()

    # --- details --------------------------------------------------------------------------------------------------

    def _home(self) -> Place:
        return origin(self.reference)

    def _endpoint(self, place: Place) -> Endpoint:
        return self._client.endpoint(place.host, place.scheme)

    def _asked(self, digest: Digest | None = None) -> Iterator[tuple[Place, Endpoint]]:
        """The places to ask, best first. All but the last are given up soon, and left out when they were found down,
        or when ``digest`` was not what it should be there."""
        places = self._client.mirrors.places(self.reference)
        if digest is not None:
            places = tuple(place for place in places if (place, digest) not in self._distrusted) or places
        for place in places[:-1]:
            if not self._client.is_down(place.host):
                yield place, self._client.endpoint(place.host, place.scheme, hurried=True)
        yield places[-1], self._endpoint(places[-1])

    def _note_down(self, place: Place, error: WcowError) -> None:
        if isinstance(error, RegistryError) and error.temporary and error.status == 0:
            self._client.note_down(place.host)

    def _first(self, what: str, ask: Callable[[Endpoint, str], _T]) -> _T:
        return self._first_of(self._asked(), lambda endpoint, place: ask(endpoint, place.repository))

    def _first_of(self, places: Iterator[tuple[Place, Endpoint]], ask: Callable[[Endpoint, Place], _T]) -> _T:
        """What the first place that can answers. A mirror's trouble only counts when nobody else is left to ask."""
        asked: list[Place] = []
        last: WcowError | None = None
        for place, endpoint in places:
            asked.append(place)
            try:
                return ask(endpoint, place)
            except (StoreError, NotFoundError, IntegrityError, FormatError) as error:
                self._note_down(place, error)
                last = error
        # The registry's own word (the last one) is what the user knows; a lone "not found" of a mirror is not.
        assert last is not None
        if any(place.mirror for place in asked):
            names = ", ".join(str(place) for place in asked)
            last.hint = f"asked {names}" + (f"; {last.hint}" if last.hint else "")
        raise last

    def _resolve(self, endpoint: Endpoint, repository: str, target: str, what: str) -> Descriptor:
        path = f"/v2/{repository}/manifests/{target}"
        answer = endpoint.request("HEAD", path, scopes=pull(repository), what=what, headers=_ACCEPT)
        answer.drop()
        if answer.status == 404 or answer.status in TEMPORARY:
            raise endpoint.error(answer, what)
        said, length = answer.header("docker-content-digest"), answer.header("content-length")
        kind = _media_type(answer)
        wanted = Digest.parse(target) if ":" in target else None
        if answer.status == 200 and said and length.isdigit() and len(length) < 16 and kind:
            digest = Digest.parse(said, source=f"Docker-Content-Digest of {endpoint.host}")
            _compare(wanted, digest, what)
            return Descriptor(kind, digest, int(length))
        # Not every registry answers HEAD fully; the document itself always tells.
        answer = endpoint.request("GET", path, scopes=pull(repository), what=what, headers=_ACCEPT)
        if answer.status != 200:
            raise endpoint.error(answer, what)
        kind = _media_type(answer)
        data = answer.read(MAX_SIZE + 1)
        if len(data) > MAX_SIZE:
            raise FormatError(what, source=f"manifest of {endpoint.host}", why=f"larger than {MAX_SIZE} bytes")
        found = describe(data, kind)
        if wanted is not None and wanted.algorithm != "sha256":
            hasher = wanted.hasher()
            hasher.update(data)
            found = Descriptor(kind, Digest(f"{wanted.algorithm}:{hasher.hexdigest()}"), len(data))
        _compare(wanted, found.digest, what)
        return found

    def _get_any(self, endpoint: Endpoint, repository: str, kinds: tuple[str, ...], descriptor: Descriptor,
                 what: str) -> Answer:
        answer: Answer | None = None
        for kind in kinds:
            if answer is not None:
                answer.drop()
            answer = endpoint.request("GET", f"/v2/{repository}/{kind}/{descriptor.digest}", scopes=pull(repository),
                                      what=what, headers=_ACCEPT if kind == "manifests" else {})
            if answer.status == 200:
                return answer
        assert answer is not None
        raise endpoint.error(answer, what)

    def _foreign(self, descriptor: Descriptor, offset: int, what: str) -> BinaryIO:
        last: WcowError = NotFoundError(what, why="none of its urls has it")
        retrier = self._endpoint(self._home()).retrier()
        for url in descriptor.urls:
            def get(at: int, retrier: Retrier, url: str = url) -> Answer:
                answer = retrier.run(lambda: self._client.fetch(url, offset=at, what=what))
                if answer.status not in (200, 206):
                    answer.drop()
                    raise NotFoundError(what, why=f"one of its urls answered {answer.status}")
                return answer

            try:
                return cast(BinaryIO, Download(get, descriptor, offset=offset, retrier=retrier, what=what))
            except WcowError as error:
                last = error
        raise last

    def _mount(self, other: str, descriptor: Descriptor) -> bool:
        place = self._home()
        endpoint = self._endpoint(place)
        query = urlencode({"mount": str(descriptor.digest), "from": other})
        scopes = push(place.repository, mount_from=other)
        what = f"cannot mount {descriptor.digest} into {self.reference.repository}"
        try:
            answer = endpoint.request("POST", f"/v2/{place.repository}/blobs/uploads/?{query}", body=b"", scopes=scopes,
                                      what=what)
        except RegistryError:
            return False  # not being allowed to read the other repository is no reason not to push
        answer.drop()
        if answer.status == 202 and answer.header("location"):
            # It opened an upload instead, which we do not want.
            try:
                location = endpoint.join(answer.url, answer.header("location"), what)
                endpoint.request("DELETE", location, scopes=push(place.repository), what=what).drop()
            except RegistryError:
                pass
        return answer.status == 201

    def _tags(self, endpoint: Endpoint, repository: str, what: str) -> set[str]:
        path = f"/v2/{repository}/tags/list"
        out: set[str] = set()
        for _ in range(_MAX_PAGES):
            answer = endpoint.request("GET", path, scopes=pull(repository), what=what)
            if answer.status != 200:
                raise endpoint.error(answer, what)
            data = answer.read(MAX_SIZE)
            try:
                tags = json.loads(data)["tags"] or []
                before = len(out)
                out.update(str(tag) for tag in tags)
            except (ValueError, KeyError, TypeError, RecursionError):
                raise FormatError(what, source=f"tag list of {endpoint.host}", why="not a list of tags") from None
            following = referrers.next_page(answer.header("link"))
            if not following or len(out) == before:
                break
            path = endpoint.join(answer.url, following, what)
        return out


def _repositories(source: object, descriptor: Descriptor) -> list[Reference]:
    if isinstance(source, Reference):
        return [source]
    if isinstance(source, RegistryStore):
        return [source.reference]
    origins = getattr(source, "origins", None)
    if origins is None:
        return []
    places = cast("list[Location]", origins(descriptor.digest))
    return [place.reference for place in places if place.transport == "docker" and place.reference]


def _target(reference: str) -> str:
    """A tag or digest as it stands in a URL; nothing else gets there."""
    if is_tag(reference):
        return reference
    if ":" in reference:
        return quote(str(Digest.parse(reference)), safe=":")
    raise UsageError(f"{reference[:140]!r} is neither a tag nor a digest")


def _kinds(media_type: str) -> tuple[str, ...]:
    if media.is_manifest(media_type) or media.is_index(media_type):
        return ("manifests",)
    return ("blobs",) if media_type else ("manifests", "blobs")


def _media_type(answer: Answer) -> str:
    return answer.header("content-type").partition(";")[0].strip()


def _compare(wanted: Digest | None, found: Digest, what: str) -> None:
    if wanted is not None and wanted != found:
        raise IntegrityError(what, why=f"the registry answered with {found}", expected=wanted, found=found)


def _nothing(descriptor: Descriptor, offset: int, what: str) -> BinaryIO:
    """The stream from the very end of a blob, which no registry serves."""
    import io

    return verified(io.BytesIO(b""), descriptor, offset=offset, what=what)
