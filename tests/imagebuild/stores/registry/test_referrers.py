# SPDX-License-Identifier: Apache-2.0
"""What is attached to an image: in registries with and without the API, in folders, and copied along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import plain_images as images
from support import programs
from support.registry_double import RegistryDouble, answer

from imagebuild.errors import FormatError, RegistryError
from imagebuild.events import Result
from imagebuild.images.copy import Copied, copy
from imagebuild.oci import Descriptor, Digest, Manifest, describe, media
from imagebuild.stores import ArchiveStore, LayoutStore, MemoryStore, NoCredentials, RegistryClient, Store, put_bytes
from imagebuild.stores.layout.names import referrers_tag
from imagebuild.stores.registry.referrers import attach, entry_for, referrers

EMPTY = b"{}"
LAYER = b"the layer"


def artefact(store: Store, subject: Descriptor, kind: str, content: bytes) -> Descriptor:
    """Attach something to a subject."""
    config = Descriptor("application/vnd.oci.empty.v1+json", Digest.of(EMPTY), len(EMPTY))
    put_bytes(store, EMPTY, config.media_type)
    blob = put_bytes(store, content, kind)
    manifest = Manifest(config=config, layers=(blob,), media_type=media.OCI_MANIFEST, artifact_type=kind,
                        subject=subject, annotations=(("made.by", "a test"),))
    return attach(store, manifest.to_bytes(), manifest.kind)


def copied(source: Store, descriptor: Descriptor, target: Store, *, tag: str = "1") -> Copied:
    result = list(copy(source, descriptor, target, tag=tag, attached=True))[-1]
    assert isinstance(result, Result)
    value: Copied = result.value
    return value


@pytest.fixture
def double() -> Iterator[RegistryDouble]:
    with RegistryDouble() as made:
        yield made


@pytest.fixture
def client() -> Iterator[RegistryClient]:
    with RegistryClient(credentials=NoCredentials(), sleep=lambda seconds: None) as made:
        yield made


@pytest.fixture(params=["api", "tag", "layout", "memory"])
def place(request: pytest.FixtureRequest, double: RegistryDouble, client: RegistryClient, tmp_path: Path) -> Store:
    double.referrers_api = request.param == "api"
    makers: dict[str, Callable[[], Store]] = {
        "layout": lambda: LayoutStore(tmp_path / "layout", create=True), "memory": MemoryStore}
    return makers.get(request.param, lambda: client.repository(f"{double.host}/app"))()


def test_what_was_attached_is_found(place: Store) -> None:
    image = images.store(place, images.sample(LAYER), LAYER, tag="1")
    assert referrers(place, image) == ()
    kinds = {"application/x-sbom": b"parts", "application/x-signature": b"sign"}
    put = {artefact(place, image, kind, content).digest: kind for kind, content in kinds.items()}
    found = referrers(place, image)
    assert {entry.digest: entry.artifact_type for entry in found} == put
    assert referrers(place, found[0]) == ()


def test_attaching_twice_is_attaching_once(place: Store) -> None:
    image = images.store(place, images.sample(LAYER), LAYER, tag="1")
    for _ in range(2):
        artefact(place, image, "application/x-sbom", b"parts")
    assert len(referrers(place, image)) == 1


def test_artefacts_and_theirs_are_copied_with_the_image(place: Store, tmp_path: Path) -> None:
    source = MemoryStore()
    image = images.store(source, images.sample(LAYER), LAYER, tag="1")
    sbom = artefact(source, image, "application/x-sbom", b"parts")
    signature = artefact(source, sbom, "application/x-signature", b"sign")
    copied(source, image, place)
    assert place.resolve("1") == image
    assert [entry.digest for entry in referrers(place, image)] == [sbom.digest]
    assert [entry.digest for entry in referrers(place, sbom)] == [signature.digest]
    back = MemoryStore()
    copied(place, image, back)
    assert back.blobs[Digest.of(b"sign")] == b"sign"
    assert [entry.digest for entry in referrers(back, sbom)] == [signature.digest]


def test_without_asking_artefacts_stay() -> None:
    source, target = MemoryStore(), MemoryStore()
    image = images.store(source, images.sample(LAYER), LAYER, tag="1")
    artefact(source, image, "application/x-sbom", b"parts")
    list(copy(source, image, target, tag="1"))
    assert referrers(target, image) == ()


def test_artefacts_go_after_the_image_and_its_name_goes_last(double: RegistryDouble, client: RegistryClient) -> None:
    source = MemoryStore()
    image = images.store(source, images.sample(LAYER), LAYER, tag="1")
    sbom = artefact(source, image, "application/x-sbom", b"parts")
    copied(source, image, client.repository(f"{double.host}/app"))
    puts = [line.rpartition("/")[2] for line in double.lines() if line.startswith("PUT ") and "/manifests/" in line]
    assert puts == [image.digest, sbom.digest, "1"]


def test_an_artefact_that_is_refused_leaves_no_name(double: RegistryDouble, client: RegistryClient) -> None:
    source = MemoryStore()
    image = images.store(source, images.sample(LAYER), LAYER, tag="1")
    sbom = artefact(source, image, "application/x-sbom", b"parts")
    double.next("PUT", f"/manifests/{sbom.digest}", answer(400))
    with pytest.raises(RegistryError):
        copied(source, image, client.repository(f"{double.host}/app"))
    assert ("app", "1") not in double.manifests


def test_the_tag_of_a_list_of_artefacts_is_no_name_of_an_image(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path / "layout", create=True)
    image = images.store(store, images.sample(LAYER), LAYER, tag="1")
    artefact(store, image, "application/x-sbom", b"parts")
    assert store.tags() == ["1"]
    assert store.resolve("") == image
    assert store.resolve(referrers_tag(image.digest)).media_type == media.OCI_INDEX


def test_artefacts_go_into_archives_and_out(tmp_path: Path) -> None:
    source, back = MemoryStore(), MemoryStore()
    image = images.store(source, images.sample(LAYER), LAYER, tag="1")
    sbom = artefact(source, image, "application/x-sbom", b"parts")
    with ArchiveStore(tmp_path / "a.tar", create=True) as archive:
        copied(source, image, archive, tag="docker.io/library/app:1")
    with ArchiveStore(tmp_path / "a.tar") as archive:
        assert archive.tags() == ["docker.io/library/app:1"]
        copied(archive, archive.resolve(""), back)
    assert [entry.digest for entry in referrers(back, image)] == [sbom.digest]


def test_a_registry_s_list_has_pages(double: RegistryDouble, client: RegistryClient) -> None:
    store = client.repository(f"{double.host}/app")
    image = describe(b"{}", media.OCI_MANIFEST)

    def page(kind: str, link: dict[str, str]) -> object:
        entry = {"mediaType": media.OCI_MANIFEST, "digest": Digest.of(kind.encode()), "size": 1, "artifactType": kind}
        return answer(200, {"Content-Type": media.OCI_INDEX, **link}, {
            "schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": [entry]})

    double.next("GET", "/referrers/", page("a", {"Link": f'</v2/app/referrers/{image.digest}?n=1&last=a>; rel="next"'}))
    double.next("GET", "/referrers/.*last=a", page("b", {}))
    assert {entry.artifact_type for entry in referrers(store, image)} == {"a", "b"}


def test_a_list_without_end_ends(double: RegistryDouble, client: RegistryClient) -> None:
    image = describe(b"{}", media.OCI_MANIFEST)
    double.next("GET", "/referrers/", answer(200, {
        "Content-Type": media.OCI_INDEX, "Link": f'</v2/app/referrers/{image.digest}>; rel="next"'}, {
            "schemaVersion": 2, "manifests": []}), times=10**6)
    with pytest.raises(FormatError, match="pages"):
        referrers(client.repository(f"{double.host}/app"), image)


@pytest.mark.parametrize("reply", [answer(404), answer(400), answer(200, {"Content-Type": "text/html"}, b"<html>")])
def test_a_registry_that_does_not_know_the_question_is_asked_for_the_tag(
        double: RegistryDouble, client: RegistryClient, reply: object) -> None:
    double.referrers_api = False
    store = client.repository(f"{double.host}/app")
    image = images.store(store, images.sample(LAYER), LAYER, tag="1")
    sbom = artefact(store, image, "application/x-sbom", b"parts")
    double.next("GET", "/referrers/", reply)
    assert [entry.digest for entry in referrers(store, image)] == [sbom.digest]


def test_a_registry_in_trouble_is_not_taken_for_one_without_artefacts(
        double: RegistryDouble, client: RegistryClient) -> None:
    double.next("GET", "/referrers/", answer(503), times=99)
    with pytest.raises(RegistryError, match="503"):
        referrers(client.repository(f"{double.host}/app"), describe(b"{}", media.OCI_MANIFEST))


def test_what_is_attached_to_nothing_is_listed_as_it_is() -> None:
    image = images.sample()
    assert entry_for(image.manifest_bytes(), image.manifest.kind) == describe(
        image.manifest_bytes(), image.manifest.kind)


def test_a_real_registry_without_the_api_keeps_artefacts_under_the_tag(
        registry: programs.Registry, client: RegistryClient) -> None:
    source, back = MemoryStore(), MemoryStore()
    image = images.store(source, images.sample(LAYER), LAYER, tag="1")
    sbom = artefact(source, image, "application/x-sbom", b"parts")
    store = client.repository(f"{registry.host}/attached")
    copied(source, image, store)
    copied(store, image, back)
    assert [entry.digest for entry in referrers(back, image)] == [sbom.digest]
