# SPDX-License-Identifier: Apache-2.0
"""Manifests, indexes and configs of a repository, at one registry (distribution-spec "Pulling manifests").

Whatever a registry says of a document is compared with the document's own digest and size.
"""

from __future__ import annotations

from urllib.parse import quote

from ...errors import FormatError, IntegrityError, UsageError, quoted
from ...oci import MAX_SIZE, Descriptor, Digest, describe, is_tag, media
from ..verify import check
from .wire.answers import TEMPORARY
from .wire.endpoint import Endpoint
from .wire.pages import is_page, page_error
from .wire.tokens import pull, push
from .wire.transport import Answer

ACCEPT = {"Accept": ", ".join(media.ACCEPT)}


def target(reference: str) -> str:
    """A tag or digest as it stands in a URL; nothing else gets there."""
    if is_tag(reference):
        return reference
    if ":" in reference:
        return quote(str(Digest.parse(reference)), safe=":")
    raise UsageError(f"{quoted(reference[:140])} is neither a tag nor a digest")


def kind_of(descriptor: Descriptor) -> str:
    """The part of the API under which a registry keeps what has this media type."""
    kind = descriptor.media_type
    return "manifests" if media.is_manifest(kind) or media.is_index(kind) else "blobs"


def resolve(endpoint: Endpoint, repository: str, name: str, what: str) -> Descriptor:
    """The descriptor of what a tag or digest names (as :func:`target` gave it)."""
    path = f"/v2/{repository}/manifests/{name}"
    answer = endpoint.request("HEAD", path, scopes=pull(repository), what=what, headers=ACCEPT)
    answer.drop()
    if answer.status == 404 or answer.status in TEMPORARY:
        raise endpoint.error(answer, what)
    said, length = answer.header("docker-content-digest"), answer.header("content-length")
    kind = _media_type(answer)
    wanted = Digest.parse(name) if ":" in name else None
    if answer.status == 200 and said and length.isdigit() and len(length) < 16 and kind:
        digest = Digest.parse(said, source=f"Docker-Content-Digest of {endpoint.host}")
        _compare(wanted, digest, what)
        return Descriptor(kind, digest, int(length))
    # Not every registry answers HEAD fully; the document itself always tells.
    answer = endpoint.request("GET", path, scopes=pull(repository), what=what, headers=ACCEPT)
    if answer.status != 200:
        raise endpoint.error(answer, what)
    kind = _media_type(answer)
    data = endpoint.document(answer, MAX_SIZE + 1, what)
    if len(data) > MAX_SIZE:
        raise FormatError(what, source=f"manifest of {endpoint.host}", why=f"larger than {MAX_SIZE} bytes")
    found = describe(data, kind)
    if wanted is not None and wanted.algorithm != "sha256":
        hasher = wanted.hasher()
        hasher.update(data)
        found = Descriptor(kind, Digest(f"{wanted.algorithm}:{hasher.hexdigest()}"), len(data))
    _compare(wanted, found.digest, what)
    return found


def read(endpoint: Endpoint, repository: str, descriptor: Descriptor, what: str) -> bytes:
    """The bytes of a document, verified. One whose kind is not known is looked for under manifests, then blobs."""
    kinds = (kind_of(descriptor),) if descriptor.media_type else ("manifests", "blobs")
    answer: Answer | None = None
    for kind in kinds:
        if answer is not None:
            answer.drop()
        answer = endpoint.request("GET", f"/v2/{repository}/{kind}/{descriptor.digest}", scopes=pull(repository),
                                  what=what, headers=ACCEPT if kind == "manifests" else {})
        if answer.status == 200:
            data = answer.read(descriptor.size + 1)
            try:
                return check(data, descriptor, what=f"document {descriptor.digest} of {endpoint.host}")
            except IntegrityError:
                if is_page(data):
                    raise page_error(answer, what, host=endpoint.host, data=data) from None
                raise
    assert answer is not None
    raise endpoint.error(answer, what)


def put(endpoint: Endpoint, repository: str, name: str, data: bytes, descriptor: Descriptor, what: str) -> bool:
    """Keep a manifest or index under a tag or digest. Whether the registry itself lists it with its subject."""
    answer = endpoint.request("PUT", f"/v2/{repository}/manifests/{name}", scopes=push(repository), what=what,
                              headers={"Content-Type": descriptor.media_type}, body=data)
    if answer.status not in (200, 201, 202):
        raise endpoint.error(answer, what)
    endpoint.finish(answer, what)
    said = answer.header("docker-content-digest")
    if said and said.startswith("sha256:") and said != descriptor.digest:
        raise IntegrityError(what, why=f"{endpoint.host} kept {said[:80]}, not {descriptor.digest}",
                             expected=descriptor.digest, found=said)
    return bool(answer.header("oci-subject"))


def _media_type(answer: Answer) -> str:
    return answer.header("content-type").partition(";")[0].strip()


def _compare(wanted: Digest | None, found: Digest, what: str) -> None:
    if wanted is not None and wanted != found:
        raise IntegrityError(what, why=f"the registry answered with {found}", expected=wanted, found=found)
