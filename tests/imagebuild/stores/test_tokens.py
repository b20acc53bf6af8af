# SPDX-License-Identifier: Apache-2.0
"""Where a password may go."""

from __future__ import annotations

from typing import cast

import pytest

from imagebuild.errors import AuthError
from imagebuild.stores import FixedCredentials, Login, Tls
from imagebuild.stores.tokens import Authorizer, pull, push
from imagebuild.stores.transport import Answer, Body, Transport


class NoBody:
    """A body that was read already."""

    def read(self, size: int) -> bytes:
        return b""

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> NoBody:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing to close."""


def asked(realm: str) -> Answer:
    return Answer(401, {"www-authenticate": f'Bearer realm="{realm}"'}, "https://registry.example/v2/",
                  cast(Body, NoBody()))


@pytest.mark.parametrize(("realm", "insecure", "taken"), [
    ("https://tokens.example/t", False, True), ("http://tokens.example/t", False, False),
    ("http://tokens.example/t", True, True)])
def test_a_secured_registry_cannot_have_the_password_sent_in_the_clear(realm: str, insecure: bool, taken: bool) -> None:
    authorizer = Authorizer("registry.example", FixedCredentials.of("registry.example", Login("me", "word")),
                            Transport(tls=Tls(insecure=insecure)), ask=lambda send: send())
    if taken:
        authorizer.learn(asked(realm), pull("app"), used="", what="cannot pull")
        return
    with pytest.raises(AuthError, match="not secured"):
        authorizer.learn(asked(realm), pull("app"), used="", what="cannot pull")


def test_scopes_are_written_as_the_distribution_specification_does() -> None:
    assert pull("a/b") == ("repository:a/b:pull",)
    assert push("a/b") == ("repository:a/b:pull,push",)
    assert push("a/b", mount_from="c") == ("repository:a/b:pull,push", "repository:c:pull")
