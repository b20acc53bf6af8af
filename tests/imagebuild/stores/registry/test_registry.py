# SPDX-License-Identifier: Apache-2.0
"""A repository of a registry that cuts, lies and has things elsewhere; and a real one."""

from __future__ import annotations

import pytest
from support import plain_images as images
from support import programs
from support.registry_double import RegistryDouble, answer, corrupt, cut
from support.registry_lab import DATA, LOGIN, Lab, described

from imagebuild.errors import AuthError, IntegrityError, NotFoundError, RegistryError
from imagebuild.oci import Descriptor, Digest, Index, media
from imagebuild.stores import FixedCredentials, Login, NoCredentials, RegistryClient


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


@pytest.mark.parametrize("lie", [lambda data: data[:-1] + b"x", lambda data: data + b"x", lambda data: b""])
def test_a_blob_that_is_not_what_was_asked_for_is_found_out(lab: Lab, lie: object) -> None:
    lab.double.put_blob(DATA)
    lab.double.next("GET", "/blobs/", corrupt(lie), times=9)  # type: ignore[arg-type]
    with pytest.raises((IntegrityError, RegistryError)), lab.store().open_blob(described(DATA)) as stream:
        stream.read()


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
