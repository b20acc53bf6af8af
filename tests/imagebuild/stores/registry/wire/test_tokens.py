# SPDX-License-Identifier: Apache-2.0
"""Where a password may go."""

from __future__ import annotations

from typing import cast

import pytest
from support import plain_images as images
from support.registry_double import Auth, answer
from support.registry_lab import DATA, LOGIN, PASSWORD, Lab, described, everything, opened

from imagebuild.errors import AuthError, FormatError, RegistryError
from imagebuild.oci import Digest
from imagebuild.stores import FixedCredentials, Login, Tls
from imagebuild.stores.registry.wire.tokens import Authorizer, pull, push
from imagebuild.stores.registry.wire.transport import Answer, Body, Transport


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


def test_a_token_is_fetched_once_for_each_scope(guarded: Lab) -> None:
    store = guarded.store(login=LOGIN)
    images.store(store, images.sample(DATA), DATA, tag="1")
    with store.open_blob(described(DATA)) as stream:
        stream.read()
    store.resolve("1")
    assert [query["scope"] for query in guarded.double.auth.given] == [
        ["repository:app:pull,push"], ["repository:app:pull"]]
    assert guarded.double.auth.given[0]["service"] == ["double"]


def test_anonymous_users_get_tokens_to_pull(guarded: Lab) -> None:
    images.store(guarded.store(login=LOGIN), images.sample(), tag="1")
    assert guarded.store().resolve("1") == images.sample().descriptor()
    with pytest.raises(AuthError) as caught:
        images.store(guarded.store(), images.sample(), tag="2")
    assert "wcow login" in caught.value.hint


def test_tokens_that_end_are_renewed_also_in_the_middle_of_an_upload(guarded: Lab) -> None:
    store = guarded.store(login=LOGIN)
    with store.new_blob() as blob:
        for begin in range(0, len(DATA), 50_000):
            blob.write(DATA[begin:begin + 50_000])
            guarded.double.rotate_tokens()
        blob.commit(Digest.of(DATA), len(DATA))
    assert guarded.double.blobs[Digest.of(DATA)] == DATA


def test_a_wrong_password_is_one_error_without_the_password(guarded: Lab) -> None:
    with pytest.raises(AuthError) as caught:
        guarded.store(login=Login("user", "not the word")).resolve("1")
    assert caught.value.status == 401
    assert "not the word" not in everything(caught.value)
    assert f"wcow login {guarded.double.host}" in caught.value.hint


def test_an_identity_token_is_exchanged_by_post(guarded: Lab) -> None:
    images.store(guarded.store(login=Login(identity_token=PASSWORD)), images.sample(), tag="1")
    form = guarded.double.auth.given[0]
    assert (form["grant_type"], form["refresh_token"]) == (["refresh_token"], [PASSWORD])
    assert all(PASSWORD not in seen.path for seen in guarded.double.seen)


@pytest.mark.parametrize("reply", [answer(200, body=b"x"), answer(200, body={"token": 7}), answer(200, body=b"[]"),
                                   answer(200, body={"token": "a\nb"})])
def test_a_token_service_that_gives_no_token_is_an_error(guarded: Lab, reply: object) -> None:
    guarded.double.next("GET", "/token", reply)
    with pytest.raises(RegistryError, match="no token"):
        guarded.store().resolve("1")


def test_a_token_service_in_trouble_is_asked_again(guarded: Lab) -> None:
    images.store(guarded.store(login=LOGIN), images.sample(), tag="1")
    guarded.double.next("GET", "/token", answer(503), times=2)
    assert guarded.store().resolve("1")


@pytest.mark.parametrize("realm", ["", "file:///etc/passwd", "//x", "ftp://x/", "http://[::1"])
def test_a_realm_that_is_no_url_is_refused(guarded: Lab, realm: str) -> None:
    guarded.double.next("HEAD", "/manifests/", answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'}))
    with pytest.raises(FormatError):
        guarded.store(login=LOGIN).resolve("1")


def test_basic_credentials_are_sent_only_when_asked_for() -> None:
    with opened(Auth("basic")) as lab:
        images.store(lab.store(login=LOGIN), images.sample(), tag="1")
        assert "authorization" not in lab.double.seen[0].headers
        with pytest.raises(AuthError):
            lab.store().resolve("1")
        with pytest.raises(AuthError):
            lab.store(login=Login("user", "wrong")).resolve("1")


def test_secrets_do_not_show_in_any_error(guarded: Lab) -> None:
    store = guarded.store(login=LOGIN)
    store.tags()
    token = next(iter(guarded.double.auth.tokens))
    echo = {"errors": [{"code": "DENIED", "message": f"token {token} of user:{PASSWORD}; "
                        f"Authorization: Bearer {token}; see https://user:hunter22@x.example/y?sig=abcdef"}]}
    guarded.double.next("HEAD", "/manifests/", answer(405))
    guarded.double.next("GET", "/manifests/", answer(403, {"Content-Type": "application/json"}, echo))
    with pytest.raises(AuthError) as caught:
        store.resolve("1")
    shown = everything(caught.value) + repr(store) + repr(LOGIN)
    for secret in (token, PASSWORD, "hunter22", "abcdef"):
        assert secret not in shown
    assert "DENIED" in shown
