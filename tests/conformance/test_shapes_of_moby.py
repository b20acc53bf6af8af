# SPDX-License-Identifier: Apache-2.0
"""Our shapes beside moby's Go types: what we write Go reads, and writes again as it was, key by key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support import moby_types, programs
from support.shape_values import all_shapes, filled

from imagebuild.dockerapi import faults
from imagebuild.dockerapi.shape import Shape, from_json, to_json

pytestmark = pytest.mark.slow
NAMED = [one for one in all_shapes() if "." in one.go_name]


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[Any, Any, Any]]:
    """By Go type: what Go makes of all our fields, of our zero, and of nothing."""
    with programs.skipping():
        questions = [(one.go_name, document)
                     for one in NAMED for document in (to_json(filled(one)), to_json(one()), {})]
        out = moby_types.through_go(questions)
    assert len(out) == len(questions)
    return {one.go_name: (out[3 * at], out[3 * at + 1], out[3 * at + 2]) for at, one in enumerate(NAMED)}


@pytest.mark.parametrize("cls", NAMED, ids=lambda one: one.__name__)
def test_go_knows_every_key_and_its_type(cls: type[Shape], answers: dict[str, tuple[Any, Any, Any]]) -> None:
    written = to_json(filled(cls))
    assert [path for path, value in leaves(written) if not value and value is not None] == []
    assert answers[cls.go_name][0] == written


@pytest.mark.parametrize("cls", NAMED, ids=lambda one: one.__name__)
def test_what_is_left_out_when_empty_is_what_go_leaves_out(cls: type[Shape],
                                                           answers: dict[str, tuple[Any, Any, Any]]) -> None:
    assert answers[cls.go_name][1] == to_json(cls())


#: Keys of Go's that have no meaning for an engine of ours: swarm's.
NOT_OURS = {"ClusterVolume", "ClusterOptions"}


@pytest.mark.parametrize("cls", NAMED, ids=lambda one: one.__name__)
def test_no_key_that_go_always_writes_is_missing(cls: type[Shape], answers: dict[str, tuple[Any, Any, Any]]) -> None:
    assert set(answers[cls.go_name][2]) - set(to_json(filled(cls))) <= NOT_OURS


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no object or list; empty ones of those too."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for item in value:
            yield from leaves(item, path)
    elif not isinstance(value, dict | list):
        yield path, value


WRONG: list[tuple[str, Any]] = [
    ("container.Config", {"Tty": "yes"}), ("container.Config", {"Env": "A=1"}), ("container.Config", {"Env": [1]}),
    ("container.Config", {"Labels": []}), ("container.Config", {"StopTimeout": 1.5}), ("container.Config", []),
    ("container.Config", {"Volumes": ["a"]}), ("container.Config", {"Healthcheck": {"Interval": "1s"}}),
    ("types.Port", {"PrivatePort": 70000}), ("types.Port", {"PrivatePort": -1}), ("types.Port", "x"),
    ("network.NetworkingConfig", {"EndpointsConfig": {"a": {"IPAMConfig": {"IPv4Address": True}}}}),
    ("events.Message", {"time": {}}), ("mount.Mount", {"BindOptions": 3}),
]


def test_wrong_types_are_complained_about_in_gos_words() -> None:
    with programs.skipping():
        said = moby_types.through_go(WRONG)
    by_name = {one.go_name: one for one in NAMED}
    for (name, document), theirs in zip(WRONG, said, strict=True):
        with pytest.raises(faults.BadRequest) as refused:
            from_json(by_name[name], document)
        ours = refused.value.message.removeprefix("invalid JSON: ")
        assert unplaced(ours) == unplaced(theirs.removeprefix("error: "))


def unplaced(sentence: str) -> str:
    """Without the name of the outermost type: which one Go names depends on its version (1.24 changed it)."""
    before, _, after = sentence.partition("Go struct field ")
    return f"{before}field {after.partition('.')[2]}" if after else sentence
