# SPDX-License-Identifier: Apache-2.0
"""What images say differently about themselves."""

from __future__ import annotations

from typing import Any

import pytest

from imagebuild.images.compare.config import config_changes, config_fields, history_changes, layer_pairs
from imagebuild.oci import Config, Descriptor, Digest, History, Image, RunConfig, annotate, append, create, media


def image(**config: Any) -> Image:
    run = {name: config.pop(name) for name in list(config) if name in RunConfig.__dataclass_fields__}
    return create(Config(**{"os": "windows", "architecture": "amd64", "run": RunConfig(**run), **config}))


def layered(*names: str, size: int = 1) -> Image:
    made = image()
    for name in names:
        made = append(made, Descriptor(media.OCI_LAYER_GZIP, Digest.of(f"{name} {size}".encode()), size),
                      Digest.of(name.encode()), History(created_by=name))
    return made


def told(before: Image, after: Image, **options: Any) -> list[tuple[str, str, str | None, str | None]]:
    return [(one.mark, one.field, one.before, one.after) for one in config_changes(before, after, **options)]


def test_equal_configs_have_no_changes() -> None:
    assert not config_changes(image(cmd=("a",)), image(cmd=("a",)))
    assert not history_changes(layered("a"), layered("a"))


@pytest.mark.parametrize(("before", "after", "change"), [
    ({"cmd": ("a",)}, {"cmd": ("b", "c")}, ("~", "Cmd", '["a"]', '["b", "c"]')),
    ({"entrypoint": ()}, {}, ("-", "Entrypoint", "[]", None)),
    ({}, {"user": "ContainerUser"}, ("+", "User", None, "ContainerUser")),
    ({"env": ("PATH=a", "X=1")}, {"env": ("PATH=b", "X=1")}, ("~", "Env PATH", "a", "b")),
    ({"labels": (("a", "1"),)}, {"labels": ()}, ("-", "Label a", "1", None)),
    ({"exposed_ports": ("80/tcp",)}, {}, ("-", "Port 80/tcp", "", None)),
    ({"volumes": ()}, {"volumes": ("C:\\data",)}, ("+", "Volume C:\\data", None, "")),
    ({"working_dir": "C:\\"}, {"working_dir": "C:\\app"}, ("~", "WorkingDir", "C:\\", "C:\\app")),
    ({"os_version": "10.0.1"}, {"os_version": "10.0.2"}, ("~", "os.version", "10.0.1", "10.0.2")),
    ({"os_features": ("win32k",)}, {}, ("-", "os.features", '["win32k"]', None)),
    ({"author": "a"}, {"author": "b"}, ("~", "author", "a", "b")),
    ({"shell": None}, {"shell": ("cmd",)}, ("+", "Shell", None, '["cmd"]')),
    ({"stop_timeout": 1}, {"stop_timeout": 2}, ("~", "StopTimeout", "1", "2")),
    ({"extra": (("x", "1"),)}, {"extra": (("x", "2"),)}, ("~", "x", "1", "2")),
])
def test_a_field_that_differs_is_told_by_its_name(before: dict[str, Any], after: dict[str, Any],
                                                  change: tuple[str, str, str | None, str | None]) -> None:
    assert told(image(**before), image(**after)) == [change]


def test_a_field_we_do_not_know_is_told_apart_from_those_of_the_config_part() -> None:
    before, after = (create(Config(os="windows", extra=(("x", text),))) for text in ("1", "2"))
    assert told(before, after) == [("~", "config x", "1", "2")]


def test_annotations_are_fields_too_and_when_it_was_made_only_on_request() -> None:
    before = annotate(image(created="2024-01-01T00:00:00Z"), (("a", "1"),))
    after = annotate(image(created="2025-01-01T00:00:00Z"), (("a", "2"),))
    assert told(before, after) == [("~", "Annotation a", "1", "2")]
    assert [one[1] for one in told(before, after, times=True)] == ["created", "Annotation a"]


def test_steps_that_came_and_went_are_told() -> None:
    found = history_changes(layered("a", "b", "c"), layered("a", "c", "d"))
    assert [(one.mark, one.number, one.created_by) for one in found] == [("-", 1, "b"), ("+", 2, "d")]


def test_a_step_made_at_another_time_counts_only_on_request() -> None:
    before = image(history=(History(created="2024-01-01T00:00:00Z", created_by="a"),))
    after = image(history=(History(created="2025-01-01T00:00:00Z", created_by="a"),))
    assert not history_changes(before, after)
    assert [one.mark for one in history_changes(before, after, times=True)] == ["-", "+"]


def test_layers_stand_beside_each_other_by_their_plain_tars() -> None:
    found = layer_pairs(layered("a", "b"), layered("a", "c", "b"))
    assert [(pair.mark, pair.before, pair.after) for pair in found] == [("=", 0, 0), ("+", None, 1), ("=", 1, 2)]
    packed = layer_pairs(layered("a"), layered("a", size=2))
    assert [(pair.mark, pair.size_before, pair.size_after) for pair in packed] == [("≈", 1, 2)]
    assert [pair.mark for pair in layer_pairs(layered("a"), layered())] == ["-"]
    assert [pair.mark for pair in layer_pairs(None, layered("a"))] == ["+"]


def test_all_fields_are_told_with_the_platform_first() -> None:
    fields = config_fields(image(cmd=("a",), env=("B=1", "A=2"), created="now"))
    assert fields == [("os", "windows"), ("architecture", "amd64"), ("created", "now"), ("Cmd", '["a"]'),
                      ("Env A", "2"), ("Env B", "1")]
