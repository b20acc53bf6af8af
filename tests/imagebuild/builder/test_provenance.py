# SPDX-License-Identifier: Apache-2.0
"""Statements of where an image comes from."""

from __future__ import annotations

import json
from typing import Any

from support.builds import NANOSERVER, Bench

from imagebuild.builder import BuildRequest
from imagebuild.builder.provenance import MEDIA_TYPE, PREDICATE, SPDX, attach, materials, statement
from imagebuild.oci import parse

URL = "https://user:secret@example.org/x.exe"
TEXT = f"FROM {NANOSERVER}\nARG V=1\nCOPY a d C:/app/\nADD {URL} C:/bin/\n"


def told(bench: Bench, files: dict[str, str] | None = None, **request: Any) -> dict[str, Any]:
    bench.fetcher = type(bench.fetcher)({URL: b"MZ"})
    built = bench.build(TEXT, files or {"a": "x", "d/b": "y"}, **request)
    found: dict[str, Any] = json.loads(statement(BuildRequest(**request), built, ("example.org/app:1",)))
    return found


def dependencies(found: dict[str, Any]) -> dict[str, Any]:
    return {item.get("uri") or item["name"]: item for item in
            found["predicate"]["buildDefinition"]["resolvedDependencies"]}


def test_a_statement_names_the_image_its_base_its_downloads_and_its_files(bench: Bench) -> None:
    found = told(bench, build_args=(("V", "2"),))
    built = bench.events[-1].value  # type: ignore[union-attr]
    assert found["subject"] == [{"name": "example.org/app:1", "digest": {"sha256": built.descriptor.digest.hex}}]
    assert found["predicateType"] == PREDICATE
    needs = dependencies(found)
    base = bench.local.resolve(NANOSERVER)
    assert needs[f"pkg:docker/{NANOSERVER}"]["digest"] == {"sha256": base.digest.hex}
    (download,) = [item for uri, item in needs.items() if "example.org/x.exe" in uri]
    assert len(download["digest"]["sha256"]) == 64
    assert needs["context"]["annotations"] == {"files": 2}
    assert found["predicate"]["buildDefinition"]["externalParameters"]["buildArgs"] == {"V": "2"}


def test_secrets_in_addresses_and_the_time_of_day_are_not_in_it(bench: Bench) -> None:
    text = json.dumps(told(bench))
    assert "secret" not in text
    for word in ("startedOn", "finishedOn", "invocationId", str(bench.folder)):
        assert word not in text


def test_the_context_counts_by_names_and_contents(bench: Bench) -> None:
    def context(files: dict[str, str]) -> str:
        found: str = dependencies(told(bench, files))["context"]["digest"]["sha256"]
        return found

    same = context({"a": "x", "d/b": "y"})
    assert context({"a": "x", "d/b": "y", "unused": "z"}) == same
    assert context({"a": "x", "d/b": "z"}) != same
    assert context({"a": "x", "d/c": "y"}) != same


def test_the_same_build_tells_the_same(bench: Bench) -> None:
    assert told(bench) == told(bench)


def test_it_is_attached_to_the_image_as_an_artefact(bench: Bench) -> None:
    built = bench.build(f"FROM {NANOSERVER}\n")
    data = statement(BuildRequest(), built)
    entry = attach(bench.local, data, built.descriptor)
    manifest = parse(bench.local.manifest(entry))
    assert manifest.subject is not None and manifest.subject.digest == built.descriptor.digest
    assert manifest.artifact_type == MEDIA_TYPE
    with bench.local.open_blob(manifest.layers[0]) as blob:  # type: ignore[union-attr]
        assert blob.read() == data


def test_a_bill_of_materials_is_a_statement_of_its_own(bench: Bench) -> None:
    built = bench.build(f"FROM {NANOSERVER}\n")
    found = json.loads(materials(built, b'{"spdxVersion":"SPDX-2.3"}', ("n:1",)))
    assert (found["predicateType"], found["predicate"]) == (SPDX, {"spdxVersion": "SPDX-2.3"})
    assert found["subject"][0]["digest"] == {"sha256": built.descriptor.digest.hex}
    manifest = parse(bench.local.manifest(attach(bench.local, b"{}", built.descriptor, SPDX)))
    assert dict(manifest.annotations)["in-toto.io/predicate-type"] == SPDX
