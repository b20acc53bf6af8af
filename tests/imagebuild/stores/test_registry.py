# SPDX-License-Identifier: Apache-2.0
"""A repository of a registry that cuts, lies, refuses, redirects and wants tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from support import plain_images as images
from support import programs
from support.registry_double import Auth, RegistryDouble, answer, corrupt, cut, done_then_cut

from imagebuild.errors import (
    AuthError,
    FormatError,
    IntegrityError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
    UsageError,
    WcowError,
)
from imagebuild.oci import Descriptor, Digest, Index, Location, Reference, media
from imagebuild.stores import (
    FixedCredentials,
    Login,
    MemoryStore,
    Mirrors,
    NoCredentials,
    RegistryClient,
    RegistryStore,
    Retries,
    put_bytes,
)

DATA = bytes(range(256)) * 2000
PASSWORD = "a secret word"


@dataclass
class Lab:
    """A double, a client of it, and the waits it asked for."""

    double: RegistryDouble
    waits: list[float] = field(default_factory=list)

    def store(self, name: str = "app", *, login: Login | None = None, chunk_size: int = 100_000,
              mirrors: Mirrors | None = None) -> RegistryStore:
        credentials = FixedCredentials.of(self.double.host, login) if login else NoCredentials()
        client = RegistryClient(credentials=credentials, sleep=self.waits.append, chunk_size=chunk_size,
                                mirrors=mirrors, retries=Retries(attempts=4, first=1, longest=3))
        self.clients.append(client)
        return client.repository(name if "/" in name else f"{self.double.host}/{name}")

    clients: list[RegistryClient] = field(default_factory=list)


@pytest.fixture
def lab() -> Iterator[Lab]:
    with RegistryDouble() as double:
        made = Lab(double)
        yield made
        for client in made.clients:
            client.close()


def described(data: bytes, kind: str = "application/x-data") -> Descriptor:
    return Descriptor(kind, Digest.of(data), len(data))


def everything(error: WcowError) -> str:
    """All that a user could see of an error."""
    return "\n".join([str(error), repr(error), *error.lines(), str(error.facts)])


# --- trouble on the way -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_registry_in_trouble_is_asked_again_after_longer_and_longer_waits(lab: Lab, status: int) -> None:
    lab.double.put_blob(DATA)
    lab.double.next("GET", "/blobs/", answer(status), times=3)
    with lab.store().open_blob(described(DATA)) as stream:
        assert stream.read() == DATA
    assert lab.waits == [1, 2, 3]


def test_after_the_budget_the_last_answer_becomes_the_error(lab: Lab) -> None:
    lab.double.next("HEAD", "/manifests/", answer(503), times=9)
    with pytest.raises(RegistryError) as caught:
        lab.store().resolve("1")
    assert (caught.value.status, caught.value.temporary, len(lab.waits)) == (503, True, 3)
    assert "503 Service Unavailable" in caught.value.why


def test_retry_after_says_how_long_to_wait(lab: Lab) -> None:
    lab.double.put_blob(DATA)
    lab.double.next("GET", "/blobs/", answer(429, {"Retry-After": "7"}))
    with lab.store().open_blob(described(DATA)) as stream:
        assert stream.read() == DATA
    assert lab.waits == [7]


def test_a_registry_that_wants_too_much_patience_is_left_with_a_hint(lab: Lab) -> None:
    lab.double.next("HEAD", "/manifests/", answer(429, {"Retry-After": "3600"}))
    with pytest.raises(RegistryError) as caught:
        lab.store().resolve("1")
    assert caught.value.status == 429
    assert "3600 s" in caught.value.hint
    assert lab.waits == []


def test_a_connection_cut_before_the_answer_is_tried_again(lab: Lab) -> None:
    images.store(lab.store(), images.sample(), tag="1")
    lab.double.next("HEAD", "/manifests/1", cut(), times=2)
    assert lab.store().resolve("1").digest == images.sample().descriptor().digest


def test_a_download_cut_three_times_continues_where_it_was(lab: Lab) -> None:
    lab.double.put_blob(DATA)
    lab.double.next("GET", "/blobs/", cut(after=100_000), times=3)
    with lab.store().open_blob(described(DATA)) as stream:
        assert stream.read() == DATA
    ranges = [seen.headers.get("range") for seen in lab.double.seen if "/blobs/" in seen.path]
    assert ranges == [None, "bytes=100000-", "bytes=200000-", "bytes=300000-"]


def test_a_download_that_is_cut_for_ever_ends_in_one_error(lab: Lab) -> None:
    lab.double.put_blob(DATA)
    lab.double.next("GET", "/blobs/", cut(after=1000), times=99)
    with pytest.raises(RegistryError) as caught, lab.store().open_blob(described(DATA)) as stream:
        stream.read()
    assert "cannot read blob" in caught.value.what
    assert caught.value.temporary


def test_a_registry_that_ignores_ranges_gives_the_rest_all_the_same(lab: Lab) -> None:
    lab.double.put_blob(DATA)
    lab.double.next("GET", "/blobs/", answer(200, body=DATA))
    with lab.store().open_blob(described(DATA), offset=5) as stream:
        assert stream.read() == DATA[5:]


def test_nobody_there_is_one_clear_error() -> None:
    with RegistryClient(credentials=NoCredentials(), sleep=lambda seconds: None) as client, \
            pytest.raises(RegistryError) as caught:
        client.repository("127.0.0.1:1/app").resolve("1")
    assert caught.value.why == "connection refused"
    assert caught.value.status == 0


# --- lies -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("lie", [lambda data: data[:-1] + b"x", lambda data: data + b"x", lambda data: b""])
def test_a_blob_that_is_not_what_was_asked_for_is_found_out(lab: Lab, lie: object) -> None:
    lab.double.put_blob(DATA)
    lab.double.next("GET", "/blobs/", corrupt(lie), times=9)  # type: ignore[arg-type]
    with pytest.raises((IntegrityError, RegistryError)), lab.store().open_blob(described(DATA)) as stream:
        stream.read()


def test_a_manifest_that_is_not_what_was_asked_for_is_found_out(lab: Lab) -> None:
    manifest = images.store(lab.store(), images.sample(), tag="1")
    for lie in (lambda data: data.replace(b"2", b"3"), lambda data: data + b" ", lambda data: data[:-1]):
        lab.double.next("GET", "/manifests/", corrupt(lie))
        with pytest.raises(IntegrityError):
            lab.store().manifest(manifest)


def test_a_digest_asked_for_and_another_answered_is_an_integrity_error(lab: Lab) -> None:
    lab.double.next("HEAD", "/manifests/", answer(200, {
        "Docker-Content-Digest": Digest.of(b"other"), "Content-Type": media.OCI_MANIFEST, "Content-Length": "5"}))
    with pytest.raises(IntegrityError):
        lab.store().resolve(str(Digest.of(b"this")))


def test_a_registry_that_keeps_another_manifest_is_found_out(lab: Lab) -> None:
    image = images.sample()
    put_bytes(lab.store(), image.config_bytes(), "x")
    lab.double.next("PUT", "/manifests/", answer(201, {"Docker-Content-Digest": Digest.of(b"other")}))
    with pytest.raises(IntegrityError):
        lab.store().put_manifest(image.manifest_bytes(), image.manifest.kind, tag="1")


def test_a_registry_that_answers_head_badly_is_asked_for_the_document(lab: Lab) -> None:
    manifest = images.store(lab.store(), images.sample(), tag="1")
    for reply in (answer(405), answer(200, {"Content-Type": media.OCI_MANIFEST})):
        lab.double.next("HEAD", "/manifests/1", reply)
        assert lab.store().resolve("1") == manifest


def test_an_endless_manifest_is_not_read_to_its_end(lab: Lab) -> None:
    lab.double.manifests[("app", "1")] = (media.OCI_MANIFEST, b" " * (9 << 20))
    lab.double.next("HEAD", "/manifests/1", answer(405))
    with pytest.raises(FormatError):
        lab.store().resolve("1")
    with pytest.raises(FormatError):
        lab.store().manifest(Descriptor(media.OCI_MANIFEST, Digest.of(b""), 9 << 20))


def test_a_digest_header_that_is_a_path_is_refused(lab: Lab) -> None:
    lab.double.next("HEAD", "/manifests/1", answer(200, {
        "Docker-Content-Digest": "sha256:../../etc/passwd", "Content-Type": "x", "Content-Length": "1"}))
    with pytest.raises(FormatError):
        lab.store().resolve("1")


def test_only_tags_and_digests_become_part_of_a_url(lab: Lab) -> None:
    for name in ("a/../b", "a?b", "..", "a b", "sha256:x/y"):
        with pytest.raises((UsageError, FormatError)):
            lab.store().resolve(name)


# --- refusals ---------------------------------------------------------------------------------------------------------

def test_a_refusal_names_the_status_the_code_and_what_to_do(lab: Lab) -> None:
    lab.double.next("PUT", "/manifests/", answer(403, {"Content-Type": "application/json"}, {
        "errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}))
    image = images.sample()
    put_bytes(lab.store(), image.config_bytes(), "x")
    with pytest.raises(AuthError) as caught:
        lab.store().put_manifest(image.manifest_bytes(), image.manifest.kind, tag="1")
    assert (caught.value.status, caught.value.codes) == (403, ("DENIED",))
    assert "requested access" in caught.value.why
    assert f"wcow login {lab.double.host}" in caught.value.hint


def test_an_error_body_is_bounded_and_cannot_drive_the_terminal(lab: Lab) -> None:
    lab.double.next("HEAD", "/manifests/", answer(405))
    lab.double.next("GET", "/manifests/", answer(400, {"Content-Type": "text/plain"}, b"\x1b[2J\r" + b"x" * 10_000_000))
    with pytest.raises(RegistryError) as caught:
        lab.store().resolve("1")
    text = everything(caught.value)
    assert len(text) < 3000
    assert "\x1b" not in text


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"[1,2]", b'{"errors":[1,{"code":null}]}', b'{"errors":{}}',
                                  b"{"])
def test_an_error_that_is_not_shaped_as_one_still_becomes_one(lab: Lab, body: bytes) -> None:
    lab.double.next("HEAD", "/manifests/", answer(405))
    lab.double.next("GET", "/manifests/", answer(418, {"Content-Type": "application/json"}, body))
    with pytest.raises(RegistryError, match="418"):
        lab.store().resolve("1")


# --- uploads ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("absolute", [True, False])
def test_a_small_blob_goes_up_in_one_piece(lab: Lab, absolute: bool) -> None:
    lab.double.absolute_locations = absolute
    put_bytes(lab.store(), b"small", "x")
    assert [line.split()[0] for line in lab.double.lines()] == ["HEAD", "POST", "PUT"]
    assert lab.double.blobs[Digest.of(b"small")] == b"small"


@pytest.mark.parametrize("absolute", [True, False])
def test_a_large_blob_goes_up_in_chunks(lab: Lab, absolute: bool) -> None:
    lab.double.absolute_locations = absolute
    put_bytes(lab.store(), DATA, "x")
    patches = [seen for seen in lab.double.seen if seen.method == "PATCH"]
    assert [seen.headers["content-range"] for seen in patches][:2] == ["0-99999", "100000-199999"]
    assert lab.double.blobs[Digest.of(DATA)] == DATA


def test_a_chunk_that_is_cut_off_is_sent_again(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", cut(), times=2)
    put_bytes(lab.store(), DATA, "x")
    assert lab.double.blobs[Digest.of(DATA)] == DATA


def test_a_chunk_that_arrived_although_the_answer_was_lost_is_not_sent_twice(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", done_then_cut())
    put_bytes(lab.store(), DATA, "x")
    assert lab.double.blobs[Digest.of(DATA)] == DATA
    sent = sum(len(seen.body) for seen in lab.double.seen if seen.method == "PATCH")
    assert sent == len(DATA)


def test_a_finished_upload_whose_answer_was_lost_is_finished(lab: Lab) -> None:
    lab.double.next("PUT", "/uploads/", done_then_cut())
    put_bytes(lab.store(), b"small", "x")
    assert lab.double.blobs[Digest.of(b"small")] == b"small"


@pytest.mark.parametrize("status", [500, 503, 429])
def test_trouble_during_an_upload_is_waited_out(lab: Lab, status: int) -> None:
    for method in ("POST", "PATCH", "PUT"):
        lab.double.next(method, "/uploads/", answer(status))
    put_bytes(lab.store(), DATA, "x")
    assert lab.double.blobs[Digest.of(DATA)] == DATA


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_session_the_registry_forgot_is_begun_anew(lab: Lab, method: str) -> None:
    lab.double.next(method, "/uploads/", answer(404), times=2)
    put_bytes(lab.store(), DATA, "x")
    assert lab.double.blobs[Digest.of(DATA)] == DATA


def test_a_registry_that_forgets_every_session_is_one_error(lab: Lab) -> None:
    lab.double.next("PATCH", "/uploads/", answer(404), times=9)
    with pytest.raises(WcowError) as caught:
        put_bytes(lab.store(), DATA, "x")
    assert "cannot push a blob" in caught.value.what
    assert Digest.of(DATA) not in lab.double.blobs


def test_a_digest_the_registry_does_not_believe_is_an_error(lab: Lab) -> None:
    with pytest.raises(RegistryError) as caught, lab.store().new_blob() as blob:
        blob.write(b"data")
        blob.commit(Digest.of(b"atad"), 4)
    assert caught.value.codes == ("DIGEST_INVALID",)


def test_an_aborted_upload_is_taken_back(lab: Lab) -> None:
    with pytest.raises(KeyboardInterrupt), lab.store().new_blob() as blob:
        blob.write(DATA)
        raise KeyboardInterrupt
    assert lab.double.lines()[-1].startswith("DELETE ")
    assert lab.double.uploads == {}
    assert lab.double.blobs == {}


def test_an_upload_may_be_redirected(lab: Lab) -> None:
    with RegistryDouble() as other:
        other.uploads["there"] = bytearray()
        lab.double.next("PUT", "/uploads/", answer(307, {"Location": f"{other.url}/v2/app/blobs/uploads/there?digest="
                                                         + Digest.of(b"small").replace(":", "%3A")}))
        put_bytes(lab.store(), b"small", "x")
        assert other.blobs[Digest.of(b"small")] == b"small"


def test_a_smallest_chunk_the_registry_asks_for_is_kept(lab: Lab) -> None:
    lab.double.uploads["u"] = bytearray()
    lab.double.next("POST", "/uploads/", answer(202, {"Location": "/v2/app/blobs/uploads/u",
                                                      "OCI-Chunk-Min-Length": "300000"}))
    put_bytes(lab.store(), DATA, "x")
    sizes = [len(seen.body) for seen in lab.double.seen if seen.method == "PATCH"]
    assert sizes[1:-1] == [] or min(sizes[1:-1]) >= 300_000


def test_a_blob_is_mounted_from_a_place_the_local_store_remembers(lab: Lab) -> None:
    lab.double.put_blob(DATA)

    class Promising(MemoryStore):
        def origins(self, digest: Digest) -> list[Location]:
            return [Location("docker", Reference.parse(f"{lab.double.host}/base"))]

    assert lab.store().mount_from(Promising(), described(DATA))
    assert "mount=" in lab.double.seen[-1].path
    assert not lab.store().mount_from(MemoryStore(), described(DATA))


def test_a_mount_that_becomes_an_upload_is_cancelled(lab: Lab) -> None:
    assert not lab.store().mount_from(Reference.parse(f"{lab.double.host}/base"), described(b"not there"))
    assert lab.double.uploads == {}


def test_repositories_of_two_registries_do_not_mount(lab: Lab) -> None:
    assert not lab.store().mount_from(Reference.parse("example.com/base"), described(DATA))
    assert lab.double.lines() == []


# --- tags -------------------------------------------------------------------------------------------------------------

def test_tags_are_listed_over_many_pages(lab: Lab) -> None:
    lab.double.page_size = 2
    for number in range(5):
        lab.double.manifests[("app", f"t{number}")] = ("x", b"")
    assert lab.store().tags() == ["t0", "t1", "t2", "t3", "t4"]


def test_a_list_of_tags_that_never_ends_ends(lab: Lab) -> None:
    lab.double.next("GET", "/tags/", answer(200, {"Link": '</v2/app/tags/list?last=a>; rel="next"'}, {"tags": ["a"]}),
                    times=99)
    assert lab.store().tags() == ["a"]
    assert len(lab.double.lines()) == 2


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"tags":7}', b"x"])
def test_a_list_of_tags_that_is_none_is_refused(lab: Lab, body: bytes) -> None:
    lab.double.next("GET", "/tags/", answer(200, body=body))
    with pytest.raises(FormatError):
        lab.store().tags()


def test_a_registry_that_cannot_remove_tags_says_so(lab: Lab) -> None:
    lab.double.next("DELETE", "/manifests/", answer(405))
    with pytest.raises(UnsupportedError):
        lab.store().untag("1")


# --- mirrors ----------------------------------------------------------------------------------------------------------

def mirrored(lab: Lab, *rules: str, only: bool = False) -> RegistryStore:
    return lab.store("mcr.example.com/windows/nano:1", mirrors=Mirrors.parse(rules, only=only))


def test_a_mirror_stands_in_for_a_registry(lab: Lab) -> None:
    image = images.sample(DATA)
    images.store(lab.store("windows"), image, DATA)
    lab.double.manifests[("windows/nano", "1")] = (image.manifest.kind, image.manifest_bytes())
    lab.double.manifests[("windows/nano", image.descriptor().digest)] = (image.manifest.kind, image.manifest_bytes())
    store = mirrored(lab, f"mcr.example.com={lab.double.host}", only=True)
    assert store.resolve("1") == image.descriptor()
    assert store.resolve("") == image.descriptor()
    assert store.manifest(image.descriptor()) == image.manifest_bytes()
    with store.open_blob(image.layers[0]) as stream:
        assert stream.read() == DATA
    assert store.has_blob(image.layers[0])


def test_a_mirror_may_have_other_paths(lab: Lab) -> None:
    image = images.sample()
    for path in ("mcr/windows/nano", "win/nano"):
        lab.double.manifests[(path, "1")] = (image.manifest.kind, image.manifest_bytes())
    for rule in (f"mcr.example.com={lab.double.host}/mcr", f"mcr.example.com/windows=http://{lab.double.host}/win/"):
        assert mirrored(lab, rule, only=True).resolve("1") == image.descriptor()


def test_a_mirror_without_the_image_is_passed_over(lab: Lab) -> None:
    with RegistryDouble() as second:
        image = images.sample()
        second.manifests[("windows/nano", "1")] = (image.manifest.kind, image.manifest_bytes())
        store = mirrored(lab, f"mcr.example.com={lab.double.host}", f"mcr.example.com={second.host}", only=True)
        assert store.resolve("1") == image.descriptor()
    assert lab.double.lines() == ["HEAD /v2/windows/nano/manifests/1"]


def test_air_gapped_an_image_no_mirror_has_is_not_found_and_the_origin_not_asked(lab: Lab) -> None:
    with pytest.raises(NotFoundError) as caught:
        mirrored(lab, f"mcr.example.com={lab.double.host}", only=True).resolve("1")
    assert f"{lab.double.host}/windows/nano" in caught.value.hint
    assert "mcr.example.com/" not in caught.value.hint


def test_air_gapped_a_name_without_a_rule_is_refused(lab: Lab) -> None:
    with pytest.raises(UsageError, match="no mirror"):
        mirrored(lab, "other.example.com=localhost", only=True).resolve("1")


# --- tokens and secrets -----------------------------------------------------------------------------------------------

@pytest.fixture
def guarded() -> Iterator[Lab]:
    """A double that wants bearer tokens."""
    with RegistryDouble(auth=Auth("bearer")) as double:
        made = Lab(double)
        yield made
        for client in made.clients:
            client.close()


LOGIN = Login("user", PASSWORD)


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
    with RegistryDouble(auth=Auth("basic")) as double:
        made = Lab(double)
        images.store(made.store(login=LOGIN), images.sample(), tag="1")
        assert "authorization" not in double.seen[0].headers
        with pytest.raises(AuthError):
            made.store().resolve("1")
        with pytest.raises(AuthError):
            made.store(login=Login("user", "wrong")).resolve("1")
        for client in made.clients:
            client.close()


def test_another_host_never_sees_our_authorization(guarded: Lab) -> None:
    with RegistryDouble() as storage:
        storage.put_blob(DATA)
        guarded.double.put_blob(DATA)
        signed = f"{storage.url}/v2/x/blobs/{Digest.of(DATA)}?X-Amz-Signature=topsecretsignature"
        guarded.double.next("GET", f"/blobs/{Digest.of(DATA)}", answer(307, {"Location": signed}), times=2)
        store = guarded.store(login=LOGIN)
        store.tags()  # so that there is a token to leak
        with store.open_blob(described(DATA)) as stream:
            assert stream.read() == DATA
        assert len(storage.seen) >= 1
        assert all("authorization" not in seen.headers for seen in storage.seen)


def test_a_redirect_that_comes_back_does_not_bring_the_authorization_along(guarded: Lab) -> None:
    with RegistryDouble() as storage:
        guarded.double.put_blob(DATA)
        store = guarded.store(login=LOGIN)
        store.tags()
        guarded.double.next("GET", "/blobs/", answer(307, {"Location": f"{storage.url}/away"}))
        storage.next("GET", "/away", answer(307, {"Location": f"{guarded.double.url}/v2/app/blobs/back"}))
        with pytest.raises(WcowError):
            store.open_blob(described(DATA))
        assert "authorization" not in guarded.double.seen[-1].headers


def test_redirects_in_a_circle_end(lab: Lab) -> None:
    lab.double.next("GET", "/blobs/", answer(307, {"Location": "/v2/app/blobs/x"}), times=99)
    with pytest.raises(RegistryError, match="redirects"):
        lab.store().open_blob(described(DATA))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x/y", "http://[", "http://host:0/"])
def test_a_redirect_to_what_is_no_url_is_refused(lab: Lab, target: str) -> None:
    lab.double.next("GET", "/blobs/", answer(307, {"Location": target}))
    with pytest.raises(RegistryError):
        lab.store().open_blob(described(DATA))


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


def test_a_mount_asks_for_a_token_of_both_repositories(guarded: Lab) -> None:
    guarded.double.put_blob(DATA)
    store = guarded.store(login=LOGIN)
    assert store.mount_from(Reference.parse(f"{guarded.double.host}/base"), described(DATA))
    assert guarded.double.auth.given[-1]["scope"] == ["repository:app:pull,push", "repository:base:pull"]


# --- foreign layers ---------------------------------------------------------------------------------------------------

def test_a_foreign_layer_comes_from_its_urls_without_authorization(guarded: Lab) -> None:
    with RegistryDouble() as far:
        far.put_blob(DATA)
        layer = Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Digest.of(DATA), len(DATA),
                           urls=("ftp://x/y", f"{far.url}/gone", f"{far.url}/v2/x/blobs/{Digest.of(DATA)}"))
        with guarded.store(login=LOGIN).open_blob(layer) as stream:
            assert stream.read() == DATA
        assert all("authorization" not in seen.headers for seen in far.seen)
        common = Descriptor(media.OCI_LAYER, layer.digest, layer.size, urls=layer.urls)
        with pytest.raises(NotFoundError):
            guarded.store(login=LOGIN).open_blob(common)


# --- the real one -----------------------------------------------------------------------------------------------------

def test_a_real_registry_takes_a_login(private_registry: programs.Registry) -> None:
    host = private_registry.host
    login = Login(private_registry.user, private_registry.password)
    with RegistryClient(credentials=FixedCredentials.of(host, login), chunk_size=100_000) as client:
        images.store(client.repository(f"{host}/app"), images.sample(DATA), DATA, tag="1")
    with RegistryClient(credentials=NoCredentials()) as client, pytest.raises(AuthError):
        client.repository(f"{host}/app").resolve("1")


def test_an_index_in_a_real_registry_reads_back(registry: programs.Registry) -> None:
    with RegistryClient(credentials=NoCredentials()) as client:
        store = client.repository(f"{registry.host}/many")
        image = images.sample(DATA)
        images.store(store, image, DATA)
        index = Index((image.index_entry(),))
        store.put_manifest(index.to_bytes(), index.kind, tag="1")
        assert store.manifest(store.resolve("1")) == index.to_bytes()
