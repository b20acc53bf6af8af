# SPDX-License-Identifier: Apache-2.0
"""A layer of big files is told of while its bytes move, and ends when no more is wanted."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from support.builds import NANOSERVER, Bench

from imagebuild.builder import BuildRequest, build
from imagebuild.builder.execute import commit
from imagebuild.events import Advance

SIZE = 24 << 20


def big(folder: Path) -> Path:
    """A context with one big file that is no zeros, so that it takes a moment."""
    (folder / "big").write_bytes(os.urandom(SIZE))
    return folder


@pytest.mark.parametrize("copied", ["big", "."], ids=["a file", "a row of files"])
def test_a_big_file_advances_while_it_is_copied(bench: Bench, monkeypatch: pytest.MonkeyPatch, copied: str) -> None:
    monkeypatch.setattr(commit, "REPORT_SECONDS", 0)
    bench.base()
    folder = big(bench.context({"Dockerfile": f"FROM {NANOSERVER}\nCOPY {copied} C:/app/\n"}))
    done = [event.done for event in build(BuildRequest(context=str(folder)), bench.shop())
            if isinstance(event, Advance) and event.id.startswith("layer")]
    assert done == sorted(done) and len({one for one in done if 0 < one < SIZE}) >= 2


def test_a_build_that_is_left_in_the_middle_leaves_no_thread_and_no_blob(bench: Bench,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "REPORT_SECONDS", 0)
    bench.base()
    folder = big(bench.context({"Dockerfile": f"FROM {NANOSERVER}\nCOPY big C:/\n"}))
    before = threading.active_count()
    events = build(BuildRequest(context=str(folder)), bench.shop())
    assert any(isinstance(event, Advance) for event in events)
    events.close()
    assert threading.active_count() == before
