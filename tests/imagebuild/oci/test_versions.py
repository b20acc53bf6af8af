# SPDX-License-Identifier: Apache-2.0
"""Indexes of many Windows versions: their one order, their edits, and where engines trip."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.errors import NotFoundError, UsageError
from imagebuild.oci import Descriptor, Digest, Index, Platform, media, versions


def entry(os_version: str, *features: str, os: str = "windows", architecture: str = "amd64",
          content: str = "") -> Descriptor:
    """An entry whose digest is of its platform, unless ``content`` says otherwise."""
    platform = Platform(os, architecture, os_version, features)
    return Descriptor(media.OCI_MANIFEST, Digest.of((content or repr(platform)).encode()), 7, platform=platform)


def record(about: Descriptor) -> Descriptor:
    return Descriptor(media.OCI_MANIFEST, Digest.of(b"about" + about.digest.encode()), 7,
                      annotations=((versions.ATTESTATION_OF, about.digest),), platform=Platform("unknown", "unknown"))


def os_versions(index: Index) -> list[str]:
    return [item.platform.os_version for item in index.manifests if item.platform]


def codes(*entries: Descriptor) -> list[str]:
    return [trap.code for trap in versions.traps(Index(entries))]


builds = st.sampled_from(["10.0.14393.7876", "10.0.17763.999", "10.0.17763.6893", "10.0.20348.3091", "10.0.20348.999",
                          "10.0.26100.2894", "10.0.26100", ""])
entries = st.builds(entry, builds, os=st.sampled_from(["windows", "windows", "windows", "linux"]),
                    architecture=st.sampled_from(["amd64", "arm64"]), content=st.sampled_from("abcdef"))


def test_the_order_is_by_number_highest_build_then_highest_revision_and_no_version_last() -> None:
    made = versions.add(Index(), map(entry, ["10.0.20348.999", "", "10.0.9600.1", "10.0.26100.1", "10.0.20348.3091"]))
    assert os_versions(made) == ["10.0.26100.1", "10.0.20348.3091", "10.0.20348.999", "10.0.9600.1", ""]


def test_of_one_version_the_one_with_more_features_stands_first() -> None:
    made = versions.add(Index(), [entry("10.0.20348.1"), entry("10.0.20348.1", "win32k")])
    assert [item.platform.os_features for item in made.manifests if item.platform] == [("win32k",), ()]


def test_windows_stands_before_others_and_records_last() -> None:
    linux, windows = entry("", os="linux"), entry("10.0.20348.1")
    made = versions.add(Index(), [record(linux), linux, windows])
    assert made.manifests == (windows, linux, record(linux))


def test_two_for_one_platform_are_an_error_that_names_both() -> None:
    one, other = entry("10.0.20348.1", content="a"), entry("10.0.20348.1", content="b")
    with pytest.raises(UsageError, match=r"b:1 and a:1 are both for windows\(10\.0\.20348\.1\)/amd64"):
        versions.add(Index(), [one, other], names=lambda item: "a:1" if item is one else "b:1")
    assert versions.add(Index(), [one, other], replace_same=True).manifests == (other,)
    assert versions.add(Index(), [one, one]).manifests == (one,)


def test_windows_images_need_an_os_version_or_permission() -> None:
    with pytest.raises(UsageError, match="has no os"):
        versions.check_entry(entry(""), name="app:1")
    versions.check_entry(entry(""), any_version=True)
    versions.check_entry(entry("", os="linux"))
    versions.check_entry(entry("10.0.20348.1"))
    with pytest.raises(UsageError, match="ltsc2022"):
        versions.check_entry(entry("ltsc2022"), any_version=True)
    with pytest.raises(UsageError, match="runs on"):
        versions.check_entry(replace(entry("10.0.20348.1"), platform=None))


def test_an_entry_is_chosen_by_digest_version_or_platform() -> None:
    old, new = entry("10.0.20348.1"), entry("10.0.26100.1", "win32k")
    index = versions.add(Index(), [old, new, entry("", os="linux")])
    for wanted in (old.digest, old.digest.hex[:8], "10.0.20348", "10.0.20348.1", "windows(10.0.20348.1)/amd64"):
        assert versions.select(index, wanted) == (old,), wanted
    assert versions.select(index, "windows(10.0.26100.1)/amd64 with win32k") == (new,)
    assert versions.select(index, "windows/amd64") == (new, old)
    for wanted in ("10.0.2034", "10.0.20348.11", "windows/arm64", "sha256:0000000"):
        with pytest.raises(NotFoundError, match="has windows"):
            versions.select(index, wanted)


def test_an_entry_gets_other_words_and_the_order_follows() -> None:
    low, high = entry("10.0.17763.1"), entry("10.0.20348.1")
    index = versions.add(Index(), [low, high])
    made = versions.annotate_entry(index, [low], os_version="10.0.26100.1", os_features=("win32k",),
                                   annotations=(("a", "1"),))
    first, second = made.manifests
    assert (first.digest, second) == (low.digest, high)
    assert first.platform == Platform("windows", "amd64", "10.0.26100.1", ("win32k",))
    assert first.annotations == (("a", "1"),)
    assert versions.annotate_entry(made, [first], os_features=(), without=("a",)).manifests[0].annotations == ()
    with pytest.raises(UsageError, match="would both be for"):
        versions.annotate_entry(index, [low], os_version="10.0.20348.1")
    assert versions.annotate_entry(index, [low], os_version=None) is index


def test_a_docker_list_has_no_annotations() -> None:
    oci = versions.annotate_index(versions.add(Index(), [entry("10.0.20348.1")]), (("a", "1"),))
    oci = versions.annotate_entry(oci, oci.manifests, annotations=(("b", "2"),))
    docker = versions.as_family(oci, "docker")
    assert docker.kind == media.DOCKER_INDEX and b"annotations" not in docker.to_bytes()
    for attempt in (lambda: versions.annotate_index(docker, (("a", "1"),)),
                    lambda: versions.annotate_entry(docker, docker.manifests, annotations=(("a", "1"),))):
        with pytest.raises(UsageError, match="docker manifest list"):
            attempt()
    assert versions.as_family(docker, "oci").kind == media.OCI_INDEX
    assert versions.as_family(oci, "oci") is oci
    assert versions.family_for([replace(entry("1"), media_type=media.DOCKER_MANIFEST)]) == "docker"
    assert versions.family_for(oci.manifests) == "oci"


def test_an_entry_takes_the_records_about_it_along() -> None:
    one, other = entry("10.0.20348.1"), entry("10.0.26100.1")
    index = versions.add(Index(), [one, other, record(one), record(other)])
    assert versions.remove(index, [one]).manifests == (other, record(other))


def test_an_index_in_order_has_no_traps_and_each_trap_is_told() -> None:
    a, b, c = entry("10.0.26100.1"), entry("10.0.20348.3091"), entry("10.0.20348.999")
    assert codes(a, b) == [] and codes(a, b, entry("")) == []
    assert codes(b, a) == ["order"]
    assert codes(a, b, c) == ["text-order"]
    assert codes(a, b, entry("10.0.20348.1000")) == [], "as text, 3091 stands above 1000 as well"
    assert codes(c, b) == ["order", "text-order"]
    assert codes(entry(""), a) == ["any-version"]
    assert codes(entry("10.0.26100")) == ["no-revision"]
    assert codes(a, entry("10.0.26100.1", content="other")) == ["same-place"]
    assert codes(b, entry("10.0.26100.1", architecture="arm64")) == [], "processors do not stand in each other's way"
    assert codes(entry("", os="linux"), a) == []


@settings(max_examples=50)
@given(st.lists(entries, max_size=8), st.randoms(use_true_random=False))
def test_the_bytes_do_not_depend_on_the_order_given(items: list[Descriptor], chance: random.Random) -> None:
    once = {versions_key(item): item for item in items}
    shuffled = list(once.values())
    chance.shuffle(shuffled)
    assert versions.add(Index(), once.values()).to_bytes() == versions.add(Index(), shuffled).to_bytes()


def versions_key(item: Descriptor) -> str:
    return versions.describe_place(item)


edits = st.lists(st.tuples(st.sampled_from(["add", "replace", "remove", "words", "kind"]), entries,
                           st.integers(0, 7), builds), max_size=12)


@settings(max_examples=100)
@given(edits)
def test_any_edits_leave_an_index_in_order_without_doubles(steps: list[tuple[str, Descriptor, int, str]]) -> None:
    index = Index()
    for what, item, at, version in steps:
        before = index
        chosen = index.manifests[at:at + 1]
        try:
            if what == "add":
                index = versions.add(index, [item])
            elif what == "replace":
                index = versions.add(index, [item], replace_same=True)
                assert item in index.manifests
            elif what == "remove":
                index = versions.remove(index, chosen)
            elif what == "words":
                index = versions.annotate_entry(index, chosen, os_version=version)
            else:
                index = versions.as_family(index, "docker" if at % 2 else "oci")
        except UsageError:
            assert index is before
            continue
        places = [versions.describe_place(known) for known in index.manifests]
        assert len(set(places)) == len(places)
        assert index.manifests == versions.sort(index.manifests)
        assert Index.from_bytes(index.to_bytes()) == index
        told = {trap.code for trap in versions.traps(index)}
        assert told <= {"no-revision", "text-order"}, "our own order has no trap but what the versions themselves bring"
