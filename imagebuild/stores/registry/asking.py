# SPDX-License-Identifier: Apache-2.0
"""Who is asked for what a repository has: its mirrors in their order, the registry itself last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from ...errors import FormatError, IntegrityError, NotFoundError, RegistryError, StoreError, WcowError
from ...oci import Digest, Reference
from .mirrors import Place
from .wire.endpoint import Endpoint

if TYPE_CHECKING:
    from .client import RegistryClient

_T = TypeVar("_T")


class Asking:
    """The places of one repository, and what came of asking them. Safe from many threads."""

    def __init__(self, client: RegistryClient, reference: Reference) -> None:
        self._client = client
        self._reference = reference
        self._served: dict[Digest, Place] = {}
        self._distrusted: set[tuple[Place, Digest]] = set()

    def places(self, digest: Digest | None = None) -> Iterator[tuple[Place, Endpoint]]:
        """The places to ask, best first. All but the last are given up soon, and left out when they were found down,
        or when ``digest`` was not what it should be there."""
        places = self._client.mirrors.places(self._reference)
        if digest is not None:
            places = tuple(place for place in places if (place, digest) not in self._distrusted) or places
        for place in places[:-1]:
            if not self._client.is_down(place.host):
                yield place, self._client.endpoint(place.host, place.scheme, hurried=True)
        yield places[-1], self._client.endpoint(places[-1].host, places[-1].scheme)

    def first(self, ask: Callable[[Endpoint, Place], _T], places: Iterator[tuple[Place, Endpoint]] | None = None) -> _T:
        """What the first place that can answers. A mirror's trouble only counts when nobody else is left to ask."""
        asked: list[Place] = []
        last: WcowError | None = None
        for place, endpoint in self.places() if places is None else places:
            asked.append(place)
            try:
                return ask(endpoint, place)
            except (StoreError, NotFoundError, IntegrityError, FormatError) as error:
                self.note_down(place, error)
                last = error
        # The registry's own word (the last one) is what the user knows; a lone "not found" of a mirror is not.
        assert last is not None
        if any(place.mirror for place in asked):
            names = ", ".join(str(place) for place in asked)
            last.hint = f"asked {names}" + (f"; {last.hint}" if last.hint else "")
        raise last

    def note_down(self, place: Place, error: WcowError) -> None:
        """Leave a place alone for a while, when the error means that nobody answered there."""
        if isinstance(error, RegistryError) and error.temporary and error.status == 0:
            self._client.note_down(place.host)

    def serves(self, place: Place, digest: Digest) -> None:
        """Note who gives us a blob."""
        self._served[digest] = place

    def failed(self, digest: Digest, error: RegistryError) -> None:
        """Whoever gave us a blob cannot go on."""
        self.note_down(self._served[digest], error)

    def distrust(self, digest: Digest) -> bool:
        """A blob that was read turned out not to be what it should: do not ask that place for it again. True when
        there is another to ask."""
        place = self._served.pop(digest, None)
        if place is not None:
            self._distrusted.add((place, digest))
        return any((other, digest) not in self._distrusted for other in self._client.mirrors.places(self._reference))
