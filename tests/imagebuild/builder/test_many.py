# SPDX-License-Identifier: Apache-2.0
"""Builds for many Windows versions: one index, and nothing done twice."""

from __future__ import annotations

import io
from typing import Any

import pytest
from support.builds import Bench

from imagebuild.builder import BuildRequest, BuiltIndex, build_many
from imagebuild.codec import Compression
from imagebuild.errors import ContextError, UsageError
from imagebuild.images.bases.base import BaseRequest, make_base
from imagebuild.oci import Index, media
from imagebuild.oci.versions import add
from imagebuild.windows import filetime

VERSIONS = ("10.0.17763.6000", "10.0.20348.2762", "10.0.26100.100")
BASE = "example.org/base:1"
FROM = f"# escape=`\nFROM {BASE}\n"


def base_index(bench: Bench, *, differing: bool = False) -> None:
    """A base of three versions, listed lowest first; with ``differing``, their folders are of different age."""
    entries = []
    for number, version in enumerate(VERSIONS):
        epoch = filetime.DOS_EPOCH + (number * 10**9 if differing else 0)
        image, _ = make_base(BaseRequest(flavour="nanoserver", os_version=version, epoch=epoch,
                                         compression=Compression()), bench.local)
        entries.append(image.index_entry())
    index = add(Index(manifests=(), media_type=media.OCI_INDEX), entries)
    bench.local.put_manifest(index.to_bytes(), index.kind, tag=BASE)


def many(bench: Bench, dockerfile: str, files: dict[str, Any], versions: tuple[str, ...] = ("all",),
         platforms: tuple[str, ...] = (), **request: Any) -> BuiltIndex:
    context = bench.context({**files, "Dockerfile": dockerfile})
    bench.events = list(build_many(BuildRequest(context=str(context), **request), bench.shop(), platforms, versions))
    return bench.events[-1].value  # type: ignore[union-attr, no-any-return]


def test_all_versions_of_a_base_become_one_index_highest_first(bench: Bench) -> None:
    base_index(bench)
    found = many(bench, FROM + "COPY a C:\\app\\a\n", {"a": "x"})
    assert [entry.platform.os_version for entry in found.index.manifests if entry.platform] == list(reversed(VERSIONS))
    assert bench.local.manifest(found.descriptor) == found.index.to_bytes()
    assert [built.image.config.os_version for built in found.builds] == list(reversed(VERSIONS))


@pytest.mark.parametrize("differing", [False, True])
@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_each_image_is_the_one_a_build_for_it_alone_makes(bench: Bench, differing: bool, compression: str) -> None:
    base_index(bench, differing=differing)
    how: dict[str, Any] = {"epoch": 1_700_000_000, "compression": Compression.parse(compression)}
    files = {f"d/{number}": bytes([number]) * 70_000 for number in range(40)}
    dockerfile = FROM + "COPY d C:\\Windows\\System32\\d\nWORKDIR C:\\w\n"
    found = many(bench, dockerfile, files, **how)
    for built, version in zip(found.builds, reversed(VERSIONS), strict=True):
        alone = bench.build(dockerfile, files, os_version=version, **how)
        assert alone.descriptor == built.descriptor
    layers = {built.image.layers[1].digest for built in found.builds}
    assert len(layers) == (3 if differing else 1)
    assert len({built.image.layers[2].digest for built in found.builds}) == len(layers)  # Files itself is the base's


def test_the_end_of_layers_that_differ_at_the_top_is_compressed_once(
        bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from imagebuild.layer import LayerWriter

    base_index(bench, differing=True)
    calls: list[str] = []
    for name in ("cut", "splice"):
        real = getattr(LayerWriter, name)
        monkeypatch.setattr(LayerWriter, name,
                            lambda writer, *args, name=name, real=real: calls.append(name) or real(writer, *args))
    many(bench, FROM + "COPY a C:\\Windows\\a\n", {"a": "x"}, epoch=5)
    assert calls == ["cut", "splice", "splice"]


def test_a_file_that_changes_between_two_versions_is_noticed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from imagebuild.builder.execute.commit import Committer

    base_index(bench, differing=True)
    real = Committer.commit
    context = bench.context({"Dockerfile": FROM + "COPY a C:\\Windows\\a\n", "a": "one"})

    def changing(*args: Any, **how: Any) -> Any:
        layer = yield from real(*args, **how)
        (context / "a").write_bytes(b"two")
        return layer

    monkeypatch.setattr(Committer, "commit", changing)
    with pytest.raises(Exception, match=r"no longer those|another size") as caught:
        list(build_many(BuildRequest(context=str(context), epoch=5), bench.shop(), (), ("all",)))
    assert caught.value.exit_code == 2  # type: ignore[attr-defined]


def test_named_versions_and_platforms(bench: Bench) -> None:
    base_index(bench)
    found = many(bench, FROM, {}, versions=("10.0.17763", VERSIONS[1]))
    assert [built.image.config.os_version for built in found.builds] == [VERSIONS[1], VERSIONS[0]]
    found = many(bench, "FROM scratch\n", {}, versions=("10.0.1.2",), platforms=("windows/amd64", "windows/arm64"))
    assert [str(entry.platform) for entry in found.index.manifests] == ["windows(10.0.1.2)/amd64",
                                                                       "windows(10.0.1.2)/arm64"]


def test_a_version_the_base_lacks_and_a_base_without_versions_are_said(bench: Bench) -> None:
    base_index(bench)
    with pytest.raises(Exception, match=r"cannot use example\.org/base:1"):
        many(bench, FROM, {}, versions=("10.0.14393",))
    with pytest.raises(UsageError, match="FROM scratch"):
        many(bench, "FROM scratch\n", {})
    bench.base("hostprocess", tag="example.org/hpc:1")
    with pytest.raises(UsageError, match="does not say which"):
        many(bench, "FROM example.org/hpc:1\n", {})


def test_a_warning_is_said_once_for_all_versions(bench: Bench) -> None:
    base_index(bench)
    many(bench, FROM + "ENV A=$NOTHING\n", {})
    assert bench.warnings() == ["undefined-variable"]


def test_trouble_is_told_as_in_a_single_build(bench: Bench) -> None:
    base_index(bench)
    with pytest.raises(ContextError, match="Dockerfile:3: COPY"):
        many(bench, FROM + "COPY none C:\\x\n", {})


def test_standard_input_is_read_once_for_all_versions(bench: Bench) -> None:
    shop = bench.shop()
    object.__setattr__(shop, "stdin", io.BytesIO(b"FROM scratch\nCOPY a C:/\n"))
    request = BuildRequest(context=str(bench.context({"a": "x"})), dockerfile="-")
    events = list(build_many(request, shop, (), ("10.0.1.1", "10.0.2.2")))
    assert len(events[-1].value.builds) == 2  # type: ignore[union-attr]
