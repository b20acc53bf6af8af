# SPDX-License-Identifier: Apache-2.0
"""Blobs that a registry takes over from another of its repositories (distribution-spec "Mounting a blob")."""

from __future__ import annotations

from urllib.parse import urlencode

from ...errors import RegistryError
from ...oci import Descriptor
from .wire.endpoint import Endpoint
from .wire.tokens import push


def mount(endpoint: Endpoint, repository: str, other: str, descriptor: Descriptor, what: str) -> bool:
    """Ask a registry to take a blob over from its repository ``other``. False when it does not."""
    query = urlencode({"mount": str(descriptor.digest), "from": other})
    try:
        answer = endpoint.request("POST", f"/v2/{repository}/blobs/uploads/?{query}", body=b"", what=what,
                                  scopes=push(repository, mount_from=other))
    except RegistryError:
        return False  # not being allowed to read the other repository is no reason not to push
    answer.drop()
    if answer.status == 202 and answer.header("location"):
        # It opened an upload instead, which we do not want.
        try:
            location = endpoint.join(answer.url, answer.header("location"), what)
            endpoint.request("DELETE", location, scopes=push(repository), what=what).drop()
        except RegistryError:
            pass
    return answer.status == 201
