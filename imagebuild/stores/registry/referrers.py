# SPDX-License-Identifier: Apache-2.0
"""What is attached to an image: signatures, SBOMs, provenance (distribution-spec 1.1 "Listing Referrers").

An artefact's manifest names the image as its ``subject``. A registry lists those of an image itself; for one that does
not know how, whoever pushes keeps an index of them under the tag ``sha256-<hex>`` ("Referrers Tag Schema"). The same
tag is used in folders and archives, as regclient does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from ...errors import FormatError, NotFoundError
from ...oci import MAX_SIZE, Descriptor, Digest, Index, Manifest, describe, media, parse
from ..layout import names
from .wire.tokens import pull, push

if TYPE_CHECKING:
    from ..port import Store
    from .wire.endpoint import Endpoint

_MAX_PAGES = 100


def referrers(store: Store, descriptor: Descriptor) -> tuple[Descriptor, ...]:
    """What is attached to ``descriptor`` in a store, in a fixed order."""
    ask = getattr(store, "referrers", None)
    found = cast(Iterable[Descriptor], ask(descriptor)) if ask is not None else _kept(store, descriptor.digest)
    return tuple(sorted({entry.digest: entry for entry in found}.values(), key=lambda entry: entry.digest))


def attach(store: Store, data: bytes, media_type: str) -> Descriptor:
    """Keep the manifest of an artefact, so that :func:`referrers` finds it."""
    put = store.put_manifest(data, media_type)
    subject = subject_of(data, media_type)
    if subject is not None and not hasattr(store, "referrers"):  # a registry's store sees to it
        known = _kept(store, subject.digest)
        if all(other.digest != put.digest for other in known):
            index = Index((*known, entry_for(data, media_type)), media.OCI_INDEX)
            store.put_manifest(index.to_bytes(), index.kind, tag=names.referrers_tag(subject.digest))
    return put


def _kept(store: Store, digest: Digest) -> tuple[Descriptor, ...]:
    try:
        found = store.resolve(names.referrers_tag(digest))
    except NotFoundError:  # nothing refers to it
        return ()
    document = parse(store.manifest(found), found.media_type)
    return document.manifests if isinstance(document, Index) else ()


def subject_of(data: bytes, media_type: str) -> Descriptor | None:
    """What a manifest or index is attached to."""
    if b'"subject"' not in data:
        return None
    return parse(data, media_type).subject


def entry_for(data: bytes, media_type: str) -> Descriptor:
    """The descriptor of a document; that of an artefact says what kind it is, as a list of referrers has to."""
    found = describe(data, media_type)
    if subject_of(data, media_type) is None:
        return found
    document = parse(data, media_type)
    kind = document.artifact_type or (document.config.media_type if isinstance(document, Manifest) else "")
    return replace(found, artifact_type=kind, annotations=document.annotations)


# --- on the wire ------------------------------------------------------------------------------------------------------

def ask(endpoint: Endpoint, repository: str, digest: Digest, what: str) -> list[Descriptor]:
    """What a registry lists as attached to a digest, by its API or under the tag."""
    path = f"/v2/{repository}/referrers/{digest}"
    out: list[Descriptor] = []
    for _unused in range(_MAX_PAGES):
        answer = endpoint.request("GET", path, scopes=pull(repository), what=what,
                                  headers={"Accept": media.OCI_INDEX})
        # Registries without the API answer 404, and some 400 or 405, or give a page for people.
        if answer.status != 200 or not answer.header("content-type").startswith(media.OCI_INDEX):
            if answer.status >= 500 or answer.status in (401, 403, 429):
                raise endpoint.error(answer, what)
            answer.drop()
            return out or _by_tag(endpoint, repository, digest, what)[0]
        data = answer.read(MAX_SIZE + 1)
        out += _entries(data, endpoint.host, what)
        following = next_page(answer.header("link"))
        if not following:
            return out
        path = endpoint.join(answer.url, following, what)
    raise FormatError(what, source=f"referrers of {endpoint.host}", why=f"more than {_MAX_PAGES} pages")


def list_by_tag(endpoint: Endpoint, repository: str, entry: Descriptor, subject: Digest, what: str) -> None:
    """Add an artefact to the index under the tag, for a registry that does not list referrers itself."""
    known, index = _by_tag(endpoint, repository, subject, what)
    if any(other.digest == entry.digest for other in known):
        return
    data = replace(index, manifests=(*known, entry)).to_bytes()
    path = f"/v2/{repository}/manifests/{names.referrers_tag(subject)}"
    answer = endpoint.request("PUT", path, scopes=push(repository), what=what, body=data,
                              headers={"Content-Type": media.OCI_INDEX})
    if answer.status not in (200, 201, 202):
        raise endpoint.error(answer, what)
    endpoint.finish(answer, what)


def _by_tag(endpoint: Endpoint, repository: str, digest: Digest, what: str) -> tuple[list[Descriptor], Index]:
    path = f"/v2/{repository}/manifests/{names.referrers_tag(digest)}"
    answer = endpoint.request("GET", path, scopes=pull(repository), what=what, headers={"Accept": media.OCI_INDEX})
    if answer.status == 404:
        answer.drop()
        return [], Index(media_type=media.OCI_INDEX)
    if answer.status != 200:
        raise endpoint.error(answer, what)
    data = endpoint.document(answer, MAX_SIZE + 1, what)
    return _entries(data, endpoint.host, what), Index.from_bytes(data, source=f"referrers of {endpoint.host}")


def _entries(data: bytes, host: str, what: str) -> list[Descriptor]:
    if len(data) > MAX_SIZE:
        raise FormatError(what, source=f"referrers of {host}", why=f"larger than {MAX_SIZE} bytes")
    return list(Index.from_bytes(data, source=f"referrers of {host}").manifests)


def next_page(link: str) -> str:
    """Where a ``Link`` header (RFC 8288) says that a list goes on; ``""`` at its end."""
    for part in link.split(","):
        target, _unused, parameters = part.strip().partition(">")
        if target.startswith("<") and 'rel="next"' in parameters.replace("rel=next", 'rel="next"'):
            return target[1:]
    return ""
