# SPDX-License-Identifier: Apache-2.0
"""The tags of a repository, at one registry (distribution-spec "Listing Tags", "Deleting tags")."""

from __future__ import annotations

import json

from ...errors import FormatError, UnsupportedError
from ...oci import MAX_SIZE
from . import referrers
from .wire.endpoint import Endpoint
from .wire.tokens import Scopes, pull

_MAX_PAGES = 1000


def listed(endpoint: Endpoint, repository: str, what: str) -> set[str]:
    """Every tag, however many pages there are. NotFoundError where there is no such repository."""
    path = f"/v2/{repository}/tags/list"
    out: set[str] = set()
    for _unused in range(_MAX_PAGES):
        answer = endpoint.request("GET", path, scopes=pull(repository), what=what)
        if answer.status != 200:
            raise endpoint.error(answer, what)
        data = endpoint.document(answer, MAX_SIZE, what)
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


def remove(endpoint: Endpoint, repository: str, tag: str, what: str) -> None:
    """Forget a tag. UnsupportedError where a registry can only delete whole images."""
    scopes: Scopes = (f"repository:{repository}:delete,pull",)
    answer = endpoint.request("DELETE", f"/v2/{repository}/manifests/{tag}", scopes=scopes, what=what)
    if answer.status in (400, 405):
        answer.drop()
        raise UnsupportedError(what, why=f"{endpoint.host} answered {answer.status}: it does not remove single tags",
                               hint="use the registry's own tools")
    if answer.status not in (200, 202, 204):
        raise endpoint.error(answer, what)
    endpoint.finish(answer, what)
