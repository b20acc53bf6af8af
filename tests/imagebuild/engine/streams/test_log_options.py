# SPDX-License-Identifier: Apache-2.0
"""The options of logs: how much is kept, what is refused and when, details before lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engines import Served, served, wait_for

from imagebuild.dockerapi import faults, shapes
from imagebuild.engine.streams.log_options import JSON_LINE, LOCAL_FILES, LOCAL_LINE, LOCAL_SIZE, limit_of
from imagebuild.engine.streams.output import Limit


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


@pytest.mark.parametrize(("kind", "options", "limit"), [
    ("json-file", {}, None), ("none", {"max-size": "x"}, None), ("json-file", {"max-file": "3"}, None),
    ("json-file", {"max-size": "10k"}, Limit(10_000, 1, JSON_LINE)),
    ("json-file", {"max-size": "1.5MB", "max-file": "4", "compress": "true"}, Limit(1_500_000, 4, JSON_LINE)),
    ("local", {}, Limit(LOCAL_SIZE, LOCAL_FILES, LOCAL_LINE)),
    ("local", {"max-size": "1k", "max-file": "1", "compress": "false"}, Limit(1000, 1, LOCAL_LINE))])
def test_what_is_kept(kind: str, options: dict[str, str], limit: Limit | None) -> None:
    assert limit_of(shapes.LogConfig(type=kind, config=options)) == limit


@pytest.mark.parametrize(("kind", "options", "said"), [
    ("json-file", {"max-size": "much"}, "invalid size: 'much'"),
    ("json-file", {"max-size": "0"}, "max-size must be a positive number"),
    ("json-file", {"max-file": "two"}, 'strconv.Atoi: parsing "two": invalid syntax'),
    ("json-file", {"max-file": "0"}, "max-file cannot be less than 1"),
    ("json-file", {"compress": "so"}, 'strconv.ParseBool: parsing "so": invalid syntax'),
    ("json-file", {"max-size": "1k", "compress": "1"},
     "compress cannot be true when max-file is less than 2 or max-size is not set"),
    ("local", {"max-size": "1x"}, "invalid value for max-size: 1x: invalid suffix: 'x'"),
    ("local", {"max-file": "x"}, 'invalid value for max-file: x: strconv.Atoi: parsing "x": invalid syntax'),
    ("local", {"compress": "x"}, 'error reading compress log option: strconv.ParseBool: parsing "x": invalid syntax'),
    ("local", {"max-file": "-1"}, "max file count cannot be less than 0"),
    ("local", {"max-file": "1"}, "compression cannot be enabled when max file count is 1")])
def test_a_value_that_cannot_be_is_told_at_the_start_and_with_the_logs(
        engine: Served, kind: str, options: dict[str, str], said: str) -> None:
    one = engine.create("echo x", host={"log_config": shapes.LogConfig(type=kind, config=options)})
    with pytest.raises(faults.Internal, match=f"^failed to initialize logging driver: {re.escape(said)}$"):
        engine.post(f"/containers/{one}/start")
    assert engine.inspect(one).state.exit_code == 128
    with pytest.raises(faults.Internal, match=f"^{re.escape(said)}$"):
        _logs(engine, one)


def _logs(engine: Served, name: str, **query: Any) -> bytes:
    pieces = engine.client.output("GET", f"/containers/{name}/logs", query={"stdout": True, "stderr": True, **query})
    return b"".join(bytes(piece.data) for piece in pieces)


def test_logs_over_files_that_were_put_aside_are_one_log(engine: Served) -> None:
    """moby's log file of a line is its bytes and 69 more, so 1,000 bytes are 13 lines of ``line NN``."""
    one = engine.create(" && ".join(f"echo line {number}" for number in range(10, 90)), host={
        "log_config": shapes.LogConfig(type="json-file", config={"max-size": "1k", "max-file": "3"})})
    engine.post(f"/containers/{one}/start")
    wait_for(lambda: engine.inspect(one).state.status == "exited")
    lines = _logs(engine, one).split()[1::2]
    assert 26 < len(lines) <= 39
    assert lines == [b"%d" % number for number in range(90 - len(lines), 90)]
    assert _logs(engine, one, tail="20").split()[1::2] == lines[-20:]
    followed = _logs(engine, one, follow=True, timestamps=True)
    assert len(followed.splitlines()) == len(lines)
    engine.post(f"/containers/{one}/start")  # goes on where the last run ended
    wait_for(lambda: engine.inspect(one).state.status == "exited")
    assert len(list((engine.engine.containers.find(one).folder).glob("output*"))) == 3


def test_details_are_the_labels_and_variables_that_were_named(engine: Served) -> None:
    config = {"labels": "b,a,none", "env": "WHO", "tag": "{{.Name}}/{{.ImageName}}", "labels-regex": ".*"}
    one = engine.create("echo x", name="web", labels={"a": "1 2", "b": "ü", "c": "3"}, env=("WHO=me", "X=y"), host={
        "log_config": shapes.LogConfig(type="json-file", config=config)})
    engine.post(f"/containers/{one}/start")
    wait_for(lambda: engine.inspect(one).state.status == "exited")
    assert _logs(engine, one, details=True) == b"WHO=me,a=1+2,b=%C3%BC,tag=web%2Fapp%3A1 x\r\n"
    assert _logs(engine, one, details=True, timestamps=True).split(b"Z ")[1].startswith(b"WHO=me")
    plain = engine.create("echo x", host={"log_config": shapes.LogConfig(type="local")})
    engine.post(f"/containers/{plain}/start")
    wait_for(lambda: engine.inspect(plain).state.status == "exited")
    assert _logs(engine, plain, details=True) == b" x\r\n"
