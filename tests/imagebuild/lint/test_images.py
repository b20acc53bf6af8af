# SPDX-License-Identifier: Apache-2.0
"""Each rule about images: an image that breaks it, and one that just does not; and layers that know what is below."""

from __future__ import annotations

import gzip
import io
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest
import zstandard
from support import rawtar
from support.hivelayers import two_keys
from support.shelf import Shelf

from imagebuild import lint
from imagebuild.errors import FormatError, IntegrityError, NotFoundError, StoreError, UsageError
from imagebuild.layer.tarstream import DEFAULT_LIMITS
from imagebuild.oci import Descriptor, Digest, History, Image, Index, Platform, RunConfig, create, media
from imagebuild.windows.acl.sddl import parse_sddl

OTHER_SD = b64encode(parse_sddl("O:BAG:SYD:(A;;FA;;;BA)").to_bytes())
SYSTEM32 = (rawtar.folder("Files/Windows"), rawtar.folder("Files/Windows/System32"))


def delta(name: str = "System_Delta") -> bytes:
    return rawtar.file(f"Hives/{name}", rawtar.DELTA, rawsd=None)


def found(shelf: Shelf, image: Image, **options: object) -> list[lint.Finding]:
    return list(lint.image(image, shelf, **options))  # type: ignore[arg-type]


def rules(shelf: Shelf, image: Image, **options: object) -> set[str]:
    return {finding.rule for finding in found(shelf, image, **options)}


def with_layers(image: Image, *layers: Descriptor, diff_ids: int | None = None, kind: str = "") -> Image:
    config = image.config
    if diff_ids is not None:
        config = replace(config, diff_ids=config.diff_ids[:1] * diff_ids)
    family = media.family_of(kind) or "oci"
    return create(config, layers=layers, family=family)


Make = Callable[[Shelf], Image]


def plain(shelf: Shelf, **changes: object) -> Image:
    return shelf.image(rawtar.base(), rawtar.layer(), **changes)


def typed(*kinds: str, family: str = "", urls: tuple[str, ...] = ()) -> Make:
    """The same base under several media types, compressed as they say."""

    def make(shelf: Shelf) -> Image:
        image = plain(shelf)
        layers = []
        for kind in kinds:
            data = rawtar.base() if not layers else rawtar.layer()
            if media.compression_of(kind) == "gzip":
                data = gzip.compress(data, mtime=0)
            shelf.blobs[Digest.of(data)] = data
            layers.append(Descriptor(kind, Digest.of(data), len(data), urls=urls))
        return with_layers(replace(image, config=replace(image.config, diff_ids=image.diff_ids[:len(kinds)])), *layers,
                           kind=family)

    return make


def many(count: int) -> Make:
    def make(shelf: Shelf) -> Image:
        image = plain(shelf)
        base, layer = image.layers
        config = replace(image.config, diff_ids=(image.diff_ids[0], *image.diff_ids[1:] * (count - 1)))
        return create(config, layers=(base, *[layer] * (count - 1)))

    return make


def history(count: int) -> Make:
    return lambda shelf: plain(shelf, history=(*[History(created_by="x")] * count, History(empty_layer=True)))


def path(value: str) -> Make:
    return lambda shelf: plain(shelf, run=RunConfig(env=(f"Path={value}",)))


def artefact(shelf: Shelf) -> Image:
    image = plain(shelf)
    return replace(image, manifest=replace(image.manifest, config=replace(image.manifest.config, media_type="a/b")))


def swapped(shelf: Shelf) -> Image:
    return plain(shelf, diff_ids=(Digest.of(rawtar.base()), Digest.of(b"other")))


def layers(*data: bytes) -> Make:
    return lambda shelf: shelf.image(*data)


def lying(head: bytes) -> Make:
    def make(shelf: Shelf) -> Image:
        image = plain(shelf)
        shelf.blobs[image.layers[1].digest] = head
        return image

    return make


FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
GZIP, PLAIN = media.OCI_LAYER_GZIP, media.OCI_LAYER

UVM = (rawtar.folder("UtilityVM"), rawtar.folder("UtilityVM/Files"))

CASES: dict[str, tuple[Make, Make]] = {
    "config-os": (lambda s: plain(s, os="linux"), plain),
    "config-architecture": (lambda s: plain(s, architecture="arm"), lambda s: plain(s, architecture="arm64")),
    "os-version-missing": (lambda s: plain(s, os_version=""), plain),
    "os-version-malformed": (lambda s: plain(s, os_version="10.0"), lambda s: plain(s, os_version="10.0.20348")),
    "release-ended": (lambda s: plain(s, os_version="10.0.18363.1"), lambda s: plain(s, os_version="10.0.17763.1")),
    "release-unlisted": (lambda s: plain(s, os_version="10.0.20349.1"), plain),
    "no-layers": (lambda s: s.image(), layers(rawtar.base())),
    "diff-ids-count": (lambda s: plain(s, diff_ids=(Digest.of(rawtar.base()),)), plain),
    "diff-id-mismatch": (swapped, plain),
    "too-many-layers": (many(126), many(125)),
    "mixed-compression": (typed(PLAIN, GZIP), typed(GZIP, GZIP)),
    "plain-layer-among-compressed": (typed(PLAIN, GZIP), typed(PLAIN, PLAIN)),
    "layer-media-type": (typed(PLAIN, "application/x-tar"), typed(PLAIN, PLAIN)),
    "config-media-type": (artefact, plain),
    "media-type-families": (typed(PLAIN, media.DOCKER_LAYER), typed(media.DOCKER_LAYER, media.DOCKER_LAYER,
                                                                      family=media.DOCKER_MANIFEST)),
    "layer-compression": (lambda s: s.image(gzip.compress(rawtar.base(), mtime=0)), layers(rawtar.base())),
    "foreign-layer": (typed(FOREIGN, urls=("https://example.test/1",)), typed(PLAIN, urls=("https://example.test/1",))),
    "foreign-layer-without-urls": (typed(FOREIGN), typed(FOREIGN, urls=("https://example.test/1",))),
    "history-count": (history(1), history(2)),
    "path-without-system32": (path("C:\\app"), path("C:\\app;C:\\windows\\SYSTEM32")),
    "layer-damaged": (lying(rawtar.layer()[:1500]), plain),
    "base-folder-changed": (
        layers(rawtar.base(), rawtar.layer(SYSTEM32[0], rawtar.folder("Files/Windows/System32", rawsd=OTHER_SD))),
        layers(rawtar.base(), rawtar.layer(*SYSTEM32, rawtar.folder("Files/Windows/mine", rawsd=OTHER_SD)))),
    "utilityvm-without-parent": (layers(rawtar.base(), rawtar.layer(*UVM)),
                                 layers(rawtar.base(*UVM), rawtar.layer(), rawtar.layer(*UVM))),
    "delta-above-no-delta": (layers(rawtar.base(), rawtar.layer(), rawtar.layer()[:-1024] + delta() + bytes(1024)),
                             layers(rawtar.base(), rawtar.layer()[:-1024] + delta() + bytes(1024))),
}


@pytest.mark.parametrize("rule", CASES)
def test_an_image_that_breaks_the_rule_is_found(rule: str) -> None:
    shelf = Shelf()
    assert rule in rules(shelf, CASES[rule][0](shelf))


@pytest.mark.parametrize("rule", CASES)
def test_an_image_that_just_keeps_the_rule_is_not_found(rule: str) -> None:
    shelf = Shelf()
    assert rule not in rules(shelf, CASES[rule][1](shelf))


@pytest.mark.parametrize(("said", "rule"), [
    (None, "index-os-version-missing"), (Platform("windows", "amd64"), "index-os-version-missing"),
    (Platform("windows", "amd64", "10.0.20348.2"), "index-platform-mismatch"),
    (Platform("windows", "arm64", "10.0.20348.1"), "index-platform-mismatch"),
    (Platform("linux", "amd64", "10.0.20348.1"), "index-platform-mismatch"),
    (Platform("windows", "amd64", "10.0.20348.1"), None)])
def test_what_an_index_says_is_compared_with_the_config(said: Platform | None, rule: str | None) -> None:
    shelf = Shelf()
    image = plain(shelf)
    entry = replace(image.descriptor(), platform=said)
    assert rules(shelf, image, entry=entry) == ({rule} if rule else set())
    assert rules(shelf, image) == set()


def test_an_index_of_which_an_engine_takes_what_does_not_run_is_found() -> None:
    """dockerd on Windows Server 23H2 (25398) takes the first that is not newer: where 2019 stands first, that one."""
    shelf = Shelf()
    image = plain(shelf)
    entries = [replace(image.descriptor(), platform=Platform("windows", "amd64", version))
               for version in ("10.0.20348.1", "10.0.17763.1")]
    good, bad = (Index((entries[place], entries[1 - place])) for place in (0, 1))
    assert rules(shelf, image, entry=entries[0], index=good) == set()
    told = [finding.message for finding in found(shelf, image, entry=entries[0], index=bad)]
    assert any("(order)" in message for message in told)
    assert any(message.startswith("windows(10.0.17763.1)/amd64 is what Windows") and "(wrong-pick)" in message
               for message in told)
    assert {finding.rule for finding in found(shelf, image, entry=entries[0], index=bad)} == {"index-trap"}


def test_a_hostprocess_image_needs_no_os_version_in_an_index() -> None:
    shelf = Shelf()
    image = plain(shelf, os_version="")
    assert rules(shelf, image, entry=replace(image.descriptor(), platform=Platform("windows", "amd64"))) == {
        "os-version-missing"}


def test_a_good_image_has_no_finding_and_each_layer_is_read_once() -> None:
    shelf = Shelf()
    image = shelf.image(gzip.compress(rawtar.base(), mtime=0), kind=GZIP)
    image = create(replace(image.config, diff_ids=(Digest.of(rawtar.base()),)), layers=image.layers)
    assert found(shelf, image) == []
    assert shelf.opened == [image.layers[0].digest]


def test_hard_links_into_lower_layers_are_looked_up() -> None:
    shelf = Shelf()
    good = shelf.image(rawtar.base(rawtar.file("Files/a")), rawtar.layer(rawtar.link("Files/b", "Files/A")))
    assert rules(shelf, good) == set()
    bad = shelf.image(rawtar.base(), rawtar.layer(rawtar.link("Files/b", "Files/a")))
    (finding,) = found(shelf, bad)
    assert (finding.rule, finding.layer, finding.digest) == ("hard-link-missing", 1, bad.layers[1].digest)


def test_a_symlink_to_a_folder_below_is_found() -> None:
    shelf = Shelf()
    image = shelf.image(rawtar.base(), rawtar.layer(rawtar.symlink("Files/w", "Windows")))
    assert rules(shelf, image) == {"symlink-to-folder"}


def test_what_is_below_an_unreadable_layer_is_not_held_against_those_above() -> None:
    shelf = Shelf()
    image = shelf.image(rawtar.base()[:3000], rawtar.layer(rawtar.link("Files/b", "Files/a")))
    assert rules(shelf, image) == {"layer-damaged", "hard-link-unverified"}


def test_a_delta_stays_possible_while_each_layer_has_one() -> None:
    shelf = Shelf()
    above = rawtar.layer()[:-1024] + delta() + bytes(1024)
    assert rules(shelf, shelf.image(rawtar.base(), above, above)) == set()
    other = rawtar.layer()[:-1024] + delta("Sam_Delta") + bytes(1024)
    assert rules(shelf, shelf.image(rawtar.base(), above, other)) == {"delta-above-no-delta"}
    assert rules(shelf, shelf.image(rawtar.base(), above, other), importers=("wcifs",)) == set()


def test_some_layers_can_be_read_alone() -> None:
    shelf = Shelf()
    image = shelf.image(rawtar.base(), rawtar.layer(rawtar.link("Files/b", "Files/a")), rawtar.layer())
    begun: list[int] = []
    assert rules(shelf, image, only=[1], begin=lambda number, _: begun.append(number)) == {"hard-link-unverified"}
    assert begun == [1]
    with pytest.raises(UsageError, match="there is no layer 3"):
        found(shelf, image, only=[3])


def test_a_foreign_layer_that_is_not_here_is_passed_and_any_other_is_an_error() -> None:
    shelf = Shelf()
    image = typed(FOREIGN, PLAIN, urls=("https://example.test/1",))(shelf)
    del shelf.blobs[image.layers[0].digest]
    assert rules(shelf, image) == {"foreign-layer"}
    del shelf.blobs[image.layers[1].digest]
    with pytest.raises(NotFoundError):
        found(shelf, image)


def test_trouble_of_the_store_is_raised_and_no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr("imagebuild.codec.aside.BATCH", 1)  # so that there is a thread for little, too

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 1024:
                raise StoreError("the disk is gone")
            return super().read(512)

    shelf = Shelf()
    image = plain(shelf)
    shelf.open_blob = lambda descriptor: Broken(shelf.blobs[descriptor.digest])  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="disk"):
        found(shelf, image)
    for thread in threading.enumerate():
        if thread.name == "wcow-digest":
            thread.join(5)
    assert "wcow-digest" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(("head", "found_as"), [(b"\x28\xb5\x2f\xfd", "zstd"), (b"\x50\x2a\x4d\x18", "zstd"),
                                                (b"\x51\x2a\x4d\x18", "zstd"),
                                                (b"\x60\x2a\x4d\x18", "none"), (b"\x1f\x8b\x08\x00", "gzip"),
                                                (b"F", "none")])
def test_the_bytes_of_a_layer_say_how_it_is_compressed(head: bytes, found_as: str) -> None:
    shelf = Shelf()
    for kind, said in ((GZIP, "gzip"), (PLAIN, "none"), (media.OCI_LAYER_ZSTD, "zstd")):
        image = shelf.image(head, kind=kind)
        told = [finding.message for finding in found(shelf, image) if finding.rule == "layer-compression"]
        assert told == ([] if said == found_as else [f"its type says {said}, its bytes {found_as}"])


def test_only_the_engines_rules() -> None:
    shelf = Shelf()
    image = shelf.image(rawtar.base(hives={"SAM": b""}), rawtar.layer(), os="linux")
    assert rules(shelf, image, importers=("engine",)) == {"config-os"}
    assert rules(shelf, image, importers=("base",)) == {"base-hive-invalid"}


# --- what is told, in full ------------------------------------------------------------------------------------------

def told(shelf: Shelf, image: Image, **options: object) -> list[tuple[str, str, str, int | None, int | None, str]]:
    return [(one.rule, one.message, one.path, one.offset, one.layer, one.digest)
            for one in found(shelf, image, **options)]


PACKED: list[tuple[str, Callable[[bytes], bytes]]] = [
    (PLAIN, bytes), (GZIP, gzip.compress), (media.OCI_LAYER_ZSTD, lambda data: zstandard.compress(data))]


def packed(shelf: Shelf, kind: str, pack: Callable[[bytes], bytes], *tars: bytes) -> Image:
    """An image of these layers in a compression, with the right diff ids."""
    image = shelf.image(*map(pack, tars), kind=kind)
    return create(replace(image.config, diff_ids=tuple(map(Digest.of, tars))), layers=image.layers)


@pytest.mark.parametrize(("kind", "pack"), PACKED)
def test_a_layer_is_read_in_whatever_compression_and_its_blob_to_the_end(
        kind: str, pack: Callable[[bytes], bytes]) -> None:
    """Whoever verifies the blob does so at its end; what he finds there is told."""
    ended = []

    class Verified(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None and size > 0, "a layer is not read at once"
            data = super().read(size)
            if not data:
                ended.append(self.tell())
            if not data and broken:
                raise IntegrityError("it is not what it should be", why="its digest is another", expected=1, found=2)
            return data

    shelf = Shelf()
    shelf.open_blob = lambda descriptor: Verified(shelf.blobs[descriptor.digest])  # type: ignore[method-assign]
    image = packed(shelf, kind, pack, rawtar.base(), rawtar.layer())
    broken = False
    assert told(shelf, image) == []
    assert set(ended) == {layer.size for layer in image.layers}
    broken = True
    message = "it cannot be read: it is not what it should be: its digest is another"
    assert told(shelf, image) == [("layer-damaged", message, "", None, number, str(layer.digest))
                                  for number, layer in enumerate(image.layers)]


def test_a_layer_that_is_damaged_is_told_with_its_digest_and_the_place() -> None:
    shelf = Shelf()
    image = shelf.image(rawtar.base(), rawtar.layer()[:1500])
    digest = image.layers[1].digest
    name = f"layer {digest.hex[:12]}"
    with pytest.raises(FormatError) as caught:
        list(lint.layer(io.BytesIO(rawtar.layer()[:1500]), base=False, source=name))
    assert caught.value.offset is not None and str(caught.value).startswith(f"cannot read the {name}: ")
    assert told(shelf, image) == [
        ("layer-damaged", f"it cannot be read: {caught.value}", "", caught.value.offset, 1, str(digest))]


def test_the_limits_hold_for_every_layer() -> None:
    shelf = Shelf()
    deep = shelf.image(rawtar.base(), rawtar.layer(rawtar.folder("Files/" + "a" * 1000)))
    ((rule, message, *_),) = told(shelf, deep, limits=replace(DEFAULT_LIMITS, depth=1))
    assert (rule, message) == ("name-too-long", "the path is too long: 2 folders deep, 1 are looked at")
    few = told(shelf, plain(shelf), limits=replace(DEFAULT_LIMITS, entries=3))
    assert [(rule, "more than 3 entries" in message, layer) for rule, message, _, _, layer, _ in few] == [
        ("layer-damaged", True, 0)]


def test_what_is_said_of_an_image_and_its_layers_is_told_in_full() -> None:
    shelf = Shelf()
    image = plain(shelf, os="linux", diff_ids=(Digest.of(rawtar.base()), Digest.of(b"other")))
    layer = image.layers[1].digest
    assert told(shelf, image) == [
        ("config-os", "os is 'linux'", "", None, None, ""),
        ("diff-id-mismatch", f"its tar is {Digest.of(rawtar.layer())}, the config says {Digest.of(b'other')}", "", None,
         1, str(layer))]
    assert told(shelf, image, ignore=("config-os", "diff-id-mismatch")) == []
    with pytest.raises(UsageError, match="no rule"):
        found(shelf, image, ignore=("nonsense",))
    with pytest.raises(UsageError, match="no importer"):
        found(shelf, image, importers=("nobody",))


def test_a_layer_without_a_diff_id_is_read_all_the_same() -> None:
    shelf = Shelf()
    image = plain(shelf, diff_ids=(Digest.of(rawtar.base()),))
    assert [rule for rule, *_ in told(shelf, image)] == ["diff-ids-count"]
    assert shelf.opened == [layer.digest for layer in image.layers]


def test_nothing_is_held_against_what_stands_on_a_layer_that_is_not_here() -> None:
    shelf = Shelf()
    image = typed(FOREIGN, PLAIN, urls=("https://example.test/1",))(shelf)
    upper = rawtar.layer(rawtar.link("Files/b", "Files/a"))
    shelf.blobs[Digest.of(upper)] = upper
    image = create(replace(image.config, diff_ids=(image.diff_ids[0], Digest.of(upper))), layers=(
        image.layers[0], Descriptor(PLAIN, Digest.of(upper), len(upper))))
    assert rules(shelf, image) == {"foreign-layer", "hard-link-missing"}
    del shelf.blobs[image.layers[0].digest]
    assert rules(shelf, image) == {"foreign-layer", "hard-link-unverified"}


def test_the_layers_that_are_asked_for_are_announced_in_their_order() -> None:
    shelf = Shelf()
    image = shelf.image(rawtar.base(), rawtar.layer(), rawtar.layer())
    begun: list[tuple[int, Descriptor]] = []
    found(shelf, image, only=[2, 0], begin=lambda *values: begun.append(values))
    assert begun == [(0, image.layers[0]), (2, image.layers[2])]
    begun.clear()
    found(shelf, image, begin=lambda *values: begun.append(values))
    assert begun == list(enumerate(image.layers))
    for only, missing in (([0, 5], 5), ([-1, 1], -1), ([3, 4], 3)):
        with pytest.raises(UsageError) as caught:
            found(shelf, image, only=only)
        assert caught.value.lines() == [f"there is no layer {missing}", "the image has 3 layers, 0 being the lowest"]
    assert found(shelf, image, only=[]) == []


def test_how_much_of_hives_is_looked_at_is_the_callers_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.lint.checks.inside.SMALL", 0)
    shelf = Shelf()
    image = shelf.image(rawtar.base(hives={"SYSTEM": two_keys("b", "a", layered=False)}))
    assert "hive-subkey-order" not in rules(shelf, image)
    assert "hive-subkey-order" in rules(shelf, image, hives="full")
