# SPDX-License-Identifier: Apache-2.0
"""An engine that is told to stop ends, whatever it is at, and leaves nothing half-written."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support import programs, users
from support.engine import HERE, IMAGE, Engine, engine, until

from imagebuild.engine.serving.lock import running

pytestmark = pytest.mark.slow

BIG = 1 << 37
"""Bytes of a file without blocks: more than an hour's work for gzip."""


def _wcow(made: Engine, verb: str, *args: str | Path) -> None:
    programs.run(made.user.python, "-m", "imagebuild", "engine", verb, "--root", made.root, *args,
                 cwd=HERE.parents[1], timeout=60, user=made.user)


def _drafts(made: Engine) -> list[Path]:
    return [path for path in made.root.rglob("tmp/*") if path.is_file() and path.stat().st_size]


@pytest.mark.parametrize("kind", users.KINDS)
def test_an_engine_that_stops_during_a_big_commit_ends_and_keeps_nothing_of_it(kind: str) -> None:
    with programs.skipping(), engine(user=users.find(kind)) as made:
        made.docker("run", "--name", "big", IMAGE, "cmd", "/c", "echo x > C:\\app\\small.txt")
        upper, = made.root.glob("containers/*/box/upper")
        with (upper / "big").open("wb") as file:
            made.user.own(upper / "big")
            os.truncate(file.fileno(), BIG)
        with subprocess.Popen(["docker", "commit", "big", "made:1"], env={**made.user.environment(), **made.env},
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **made.user.popen()) as client:
            until(lambda: _drafts(made), 60)
            _wcow(made, "stop")
            assert running(made.root) is None
            assert client.wait(10) == 1
        assert "stopped after" not in (made.root / "engine.log").read_text("utf-8", "replace")  # it gave up by itself
        assert not _drafts(made)
        _wcow(made, "start")
        assert not made.docker("image", "ls", "--quiet", "made").stdout
        (upper / "big").unlink()
        made.docker("commit", "big", "made:1")
