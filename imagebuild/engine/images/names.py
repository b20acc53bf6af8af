# SPDX-License-Identifier: Apache-2.0
"""Image names as the API takes them, refused in Docker's words.

Sources: distribution/reference ``normalize.go``, ``helpers.go``; moby ``api/server/httputils/form.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...dockerapi import faults
from ...dockerfile.patterns.globs import match
from ...errors import FormatError, UsageError
from ...oci import Digest, Reference, is_tag

_HEX64 = re.compile(r"[a-f0-9]{64}")
_DIGEST = re.compile(r"sha(256:[a-f0-9]{64}|384:[a-f0-9]{96}|512:[a-f0-9]{128})")


def named(text: str) -> Reference:
    """The name that a text is; no tag is added. BadRequest when it is none."""
    try:
        return Reference.parse(text)
    except UsageError as error:
        if _HEX64.fullmatch(text):
            why = f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
        elif "lower case" in error.why:
            repository = text.partition(":")[0]
            path = repository if "/" in repository else f"library/{repository}"
            why = f"invalid reference format: repository name ({path}) must be lowercase"
        elif "longer than" in error.why:
            why = "repository name must not be more than 255 characters"
        else:
            why = "invalid reference format"
        raise faults.BadRequest(why) from None


def any_reference(text: str) -> Digest | Reference:
    """What a client may call an image: an id in full (with ``sha256:`` or without), else a name. BadRequest."""
    if _HEX64.fullmatch(text):
        return Digest.parse(f"sha256:{text}")
    if _DIGEST.fullmatch(text):
        return Digest.parse(text)
    return named(text)


def repo_tag(repository: str, tag: str) -> Reference | None:
    """The name in two fields of a request; ``None`` without a repository. BadRequest, for a digest too."""
    if not repository:
        return None
    reference = named(repository)
    if reference.digest is not None:
        raise faults.BadRequest("cannot import digest reference")
    return with_tag(reference, tag) if tag else reference.tagged()


def with_tag(reference: Reference, tag: str) -> Reference:
    """The name with a tag. BadRequest when it is no tag."""
    if not is_tag(tag):
        raise faults.BadRequest("invalid tag format")
    return reference.with_tag(tag)


def tag_or_digest(reference: Reference, text: str) -> Reference:
    """The name with what ``tag=`` of a pull says, which may be a digest."""
    try:
        return Reference(reference.domain, reference.path, digest=Digest.parse(text))
    except FormatError:
        return with_tag(reference, text)


def repository_of(reference: Reference) -> str:
    """The short name without tag and digest: ``app`` for ``docker.io/library/app:1``."""
    return Reference(reference.domain, reference.path).familiar


def missing(wanted: Digest | Reference) -> faults.NotFound:
    """No image is called that."""
    return faults.no_such_image(wanted.tagged().familiar if isinstance(wanted, Reference) else str(wanted))


def fits(patterns: Iterable[str], reference: Reference) -> bool:
    """Whether one of the patterns of a ``reference`` filter fits the name as people write it, with its tag or without.
    BadRequest for a bad pattern."""
    try:
        return any(match(pattern, reference.familiar) or match(pattern, repository_of(reference))
                   for pattern in patterns)
    except FormatError:
        raise faults.BadRequest("syntax error in pattern") from None


def short(identifier: str) -> str:
    """An id as Docker prints it: twelve digits."""
    return identifier.removeprefix("sha256:")[:12]
