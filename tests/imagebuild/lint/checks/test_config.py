# SPDX-License-Identifier: Apache-2.0
"""Manifest, config and index entry: what is told about them, in full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.breaches import Breaches

from imagebuild.lint.checks.config import MAX_LAYERS, check_image, check_index_entry
from imagebuild.oci import Config, Descriptor, Digest, History, Image, Platform, RunConfig, create, media
from imagebuild.windows.releases import UPDATED

DIGEST = Digest.of(b"layer")
SHORT = DIGEST.hex[:12]
OCI, OCI_GZIP, OCI_ZSTD = media.OCI_LAYER, media.OCI_LAYER_GZIP, media.OCI_LAYER_ZSTD
FOREIGN, FOREIGN_GZIP = (f"application/vnd.oci.image.layer.nondistributable.v1.tar{way}" for way in ("", "+gzip"))


def image(kinds: Sequence[str] = (OCI,), *, family: media.Family = "oci", urls: tuple[str, ...] = (),
          **changes: Any) -> Image:
    """An image with a layer of each media type; ``changes`` are the config's."""
    config = Config(os="windows", architecture="amd64", os_version="10.0.20348.1", diff_ids=(DIGEST,) * len(kinds))
    made = create(config, layers=tuple(Descriptor(kind, DIGEST, 5, urls=urls) for kind in kinds), family=family)
    return replace(made, config=replace(config, **changes))


def told(subject: Image) -> list[tuple[str, str]]:
    report: Any = Breaches()
    check_image(subject, report)
    assert all(where == ("", None) for _, _, *rest in report.told for where in [tuple(rest)])
    return [(rule, message) for rule, message, *_ in report.told]


def config_type(kind: str) -> Image:
    made = image()
    return replace(made, manifest=replace(made.manifest, config=replace(made.manifest.config, media_type=kind)))


@pytest.mark.parametrize("changes", [
    {}, {"architecture": "arm64"}, {"os_version": "10.0.20348"}, {"history": (History(), History(empty_layer=True))},
    {"run": RunConfig(env=("PATH=c:\\windows\\SYSTEM32;C:\\app", "A=b"))}, {"run": RunConfig(env=("APATH=x",))}])
def test_an_image_of_windows_has_nothing_wrong(changes: dict[str, Any]) -> None:
    assert told(image(**changes)) == []


@pytest.mark.parametrize(("subject", "rule", "message"), [
    (config_type("a/b"), "config-media-type", "the config is of type a/b"),
    (config_type(""), "config-media-type", "the config is of type nothing"),
    (config_type("x" * 150), "config-media-type", f"the config is of type {'x' * 100}"),
    (image(os="linux"), "config-os", "os is 'linux'"), (image(os="Windows"), "config-os", "os is 'Windows'"),
    (image(os="x" * 50), "config-os", f"os is {'x' * 40!r}"),
    (image(architecture="arm"), "config-architecture", "architecture is 'arm'"),
    (image(architecture="x" * 50), "config-architecture", f"architecture is {'x' * 40!r}"),
    (image(os_version=""), "os-version-missing", "os.version is not set"),
    (image(os_version="10.0"), "os-version-malformed", "os.version is '10.0'"),
    (image(os_version="x" * 70), "os-version-malformed", f"os.version is {'x' * 60!r}"),
    (image(os_version="10.0.20349.7"), "release-unlisted",
     f"no image of build 20349 is among the releases known on {UPDATED}"),
    (image(os_version="10.0.18362.1"), "release-ended",
     "support of Windows Server, version 1903 (server) ended on 2020-12-08"),
    (image(()), "no-layers", "the manifest names no layer"),
    (image(diff_ids=()), "diff-ids-count", "the manifest has 1 layers, the config 0 diff ids"),
    (image(diff_ids=(DIGEST,) * 2), "diff-ids-count", "the manifest has 1 layers, the config 2 diff ids"),
    (image((OCI,) * (MAX_LAYERS + 1)), "too-many-layers", f"there are {MAX_LAYERS + 1}"),
    (image(("a/b",)), "layer-media-type", f"layer 0 ({SHORT}) is of type a/b"),
    (image((OCI, "")), "layer-media-type", f"layer 1 ({SHORT}) is of type nothing"),
    (image(("x" * 150,)), "layer-media-type", f"layer 0 ({SHORT}) is of type {'x' * 100}"),
    (image((FOREIGN,)), "foreign-layer-without-urls", f"layer 0 ({SHORT}) says nothing of where it is"),
    (image((OCI, FOREIGN), urls=("https://a", "https://b")), "foreign-layer",
     f"layer 1 ({SHORT}) is to be had from https://a"),
    (image((FOREIGN,), urls=("h" * 250,)), "foreign-layer", f"layer 0 ({SHORT}) is to be had from {'h' * 200}"),
    (image((OCI_ZSTD, OCI_GZIP)), "mixed-compression", "there are gzip, zstd"),
    (image((media.DOCKER_LAYER,)), "media-type-families", "some types are Docker's, some OCI's"),
    (image((OCI,), family="docker"), "media-type-families", "some types are Docker's, some OCI's"),
    (config_type(media.DOCKER_CONFIG), "media-type-families", "some types are Docker's, some OCI's"),
    (image(history=(History(empty_layer=True),)), "history-count", "it speaks of 0 layers, there are 1"),
    (image(history=(History(), History())), "history-count", "it speaks of 2 layers, there are 1"),
    (image(run=RunConfig(env=("A=b", "Path=C:\\app"))), "path-without-system32", "Path is C:\\app"),
    (image(run=RunConfig(env=("PATH=" + "x" * 250,))), "path-without-system32", f"PATH is {'x' * 200}"),
    (image(run=RunConfig(env=("PATH=a=b",))), "path-without-system32", "PATH is a=b"),
])
def test_what_is_wrong_with_an_image_is_told(subject: Image, rule: str, message: str) -> None:
    assert told(subject) == [(rule, message)]


@pytest.mark.parametrize("kinds", [
    (OCI,) * MAX_LAYERS, (OCI_GZIP, OCI_GZIP), (OCI_ZSTD,)])
def test_layers_that_go_together_have_nothing_wrong(kinds: tuple[str, ...]) -> None:
    assert told(image(kinds)) == []


def test_the_manifest_belongs_to_a_family_too() -> None:
    made = image()
    other = replace(made, manifest=replace(made.manifest, media_type=media.DOCKER_MANIFEST))
    assert told(other) == [("media-type-families", "some types are Docker's, some OCI's")]


def test_plain_layers_among_compressed_ones_are_told_for_themselves() -> None:
    assert told(image((OCI_GZIP, OCI))) == [
        ("mixed-compression", "there are gzip, none"), ("plain-layer-among-compressed", "there are gzip, none")]


def test_a_type_that_is_none_of_a_layer_counts_neither_for_compression_nor_for_the_family() -> None:
    assert [rule for rule, _ in told(image(("a/b", OCI_GZIP)))] == ["layer-media-type"]
    assert [rule for rule, _ in told(image(("a/b", OCI_GZIP, OCI)))] == [
        "layer-media-type", "mixed-compression", "plain-layer-among-compressed"]


def test_a_foreign_layer_counts_for_compression_but_not_for_the_family() -> None:
    assert [rule for rule, _ in told(image((FOREIGN_GZIP, media.DOCKER_LAYER), family="docker", urls=("https://a",)))] \
        == ["foreign-layer", "mixed-compression", "plain-layer-among-compressed"]


# --- an index -------------------------------------------------------------------------------------------------------

def told_of_entry(platform: Platform | None, **changes: Any) -> list[tuple[Any, ...]]:
    report: Any = Breaches()
    subject = image(**changes)
    check_index_entry(subject, replace(subject.descriptor(), platform=platform), report)
    return report.told  # type: ignore[no-any-return]


MISSING = ("index-os-version-missing", "the config's is 10.0.20348.1", "", None)


@pytest.mark.parametrize(("platform", "changes", "told"), [
    (Platform("windows", "amd64", "10.0.20348.1"), {}, []),
    (None, {}, [MISSING]), (Platform("windows", "amd64"), {}, [MISSING]),
    (None, {"os_version": ""}, []), (Platform("windows", "amd64"), {"os_version": ""}, []),
    (Platform("linux", "amd64", "10.0.20348.1"), {},
     [("index-platform-mismatch", "os linux is windows in the config", "", None)]),
    (Platform("windows", "arm64", "10.0.1"), {},
     [("index-platform-mismatch", "architecture arm64 is amd64 in the config; os.version 10.0.1 is 10.0.20348.1 in the "
       "config", "", None)]),
    (Platform("windows", "amd64", "10.0.1"), {"os_version": ""},
     [("index-platform-mismatch", "os.version 10.0.1 is nothing in the config", "", None)]),
    (Platform("x" * 70, "amd64", "10.0.20348.1"), {"os": "y" * 70},
     [("index-platform-mismatch", f"os {'x' * 60} is {'y' * 60} in the config", "", None)]),
])
def test_what_an_index_says_otherwise_than_the_config_is_told(platform: Platform | None, changes: dict[str, Any],
                                                              told: list[tuple[Any, ...]]) -> None:
    assert told_of_entry(platform, **changes) == told
