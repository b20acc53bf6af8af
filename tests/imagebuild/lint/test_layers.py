# SPDX-License-Identifier: Apache-2.0
"""A layer alone: what the caller says reaches whoever needs it."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from typing import Any

import pytest
from support import rawtar

from imagebuild.errors import FormatError, UsageError
from imagebuild.layer.tarstream import DEFAULT_LIMITS
from imagebuild.lint import LayerLinter
from imagebuild.lint.layers import layer, run

ODD = rawtar.layer(rawtar.file("Files/a?"), rawtar.file("Files/a?"))


def found(data: bytes = ODD, **options: Any) -> list[tuple[Any, ...]]:
    return [(one.rule, one.layer, one.digest, one.importers) for one in layer(io.BytesIO(data), **options)]


def test_findings_carry_what_the_caller_said_of_the_layer() -> None:
    both = ("wcifs", "cimfs")
    assert found(base=False) == found(gzip.compress(ODD), base=False) == [
        ("forbidden-character", None, "", both), ("forbidden-character", None, "", both),
        ("duplicate-entry", None, "", both)]
    assert found(base=False, position=3, digest="sha256:x", importers=("wcifs",), ignore=("forbidden-character",)) == [
        ("duplicate-entry", 3, "sha256:x", ("wcifs",))]
    assert "base-hive-missing" in [rule for rule, *_ in found(base=True)]
    with pytest.raises(UsageError):
        layer(io.BytesIO(ODD), importers=("nobody",))  # type: ignore[arg-type]


def test_the_limits_are_those_of_the_tar_and_of_its_names() -> None:
    with pytest.raises(FormatError, match="more than 2 entries"):
        found(base=False, limits=replace(DEFAULT_LIMITS, entries=2))
    deep = rawtar.layer(rawtar.folder("Files/" + "a" * 1000))
    assert found(deep, base=False, ignore=("name-too-long",)) == []
    assert [rule for rule, *_ in found(deep, base=False)] == ["name-too-long"]
    messages = [one.message for one in layer(io.BytesIO(deep), base=False, limits=replace(DEFAULT_LIMITS, depth=1))]
    assert messages == ["the path is too long: 2 folders deep, 1 are looked at"]


@pytest.mark.parametrize("source", [None, "a.tar"])
def test_an_error_names_the_source(source: str | None) -> None:
    named: dict[str, Any] = {} if source is None else {"source": source}
    linter = LayerLinter(base=False)
    for findings in (layer(io.BytesIO(b"x" * 2000), **named), run(linter, io.BytesIO(b"x" * 2000), **named)):
        with pytest.raises(FormatError) as caught:
            list(findings)
        assert caught.value.source == (source or "layer")
        assert caught.value.lines()[0] == f"cannot read the {source or 'layer'}"


def test_a_plain_tar_is_given_to_a_linter_with_the_limits_said() -> None:
    assert [one.rule for one in run(LayerLinter(base=False), io.BytesIO(ODD))] == [
        "forbidden-character", "forbidden-character", "duplicate-entry"]
    with pytest.raises(FormatError, match="more than 2 entries"):
        list(run(LayerLinter(base=False), io.BytesIO(ODD), limits=replace(DEFAULT_LIMITS, entries=2)))
