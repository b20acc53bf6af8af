# SPDX-License-Identifier: Apache-2.0
"""Leases end with their owner, however it ends."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagebuild.oci import Digest
from imagebuild.stores.layout.lease import Lease, leased

A, B = Digest.of(b"a"), Digest.of(b"b")


def test_what_is_claimed_is_leased_until_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "leases"
    one, other = Lease(folder), Lease(folder)
    assert leased(folder) == set() and not folder.exists()
    one.add(A)
    one.add(A)
    other.add(B)
    assert leased(folder) == {A, B}
    one.end()
    one.end()
    assert leased(folder) == {B}
    one.add(B)
    other.end()
    assert leased(folder) == {B}
    one.end()
    assert list(folder.iterdir()) == []


def test_a_lease_nobody_has_any_more_is_over(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    lease.add(A)
    del lease
    gc.collect()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(0)", "sys.exit()"])
def test_the_lease_of_a_process_that_ended_does_not_count(tmp_path: Path, end: str) -> None:
    program = ("import os, sys\nfrom pathlib import Path\nfrom imagebuild.oci import Digest\n"
               "from imagebuild.stores.layout.lease import Lease\nlease = Lease(Path(sys.argv[1]))\n"
               f"lease.add(Digest.of(b'a'))\n{end}\n")
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)
    assert leased(tmp_path) == set()
    assert list(tmp_path.iterdir()) == []


def test_a_fork_that_ends_does_not_end_its_parents_lease(tmp_path: Path) -> None:
    program = ("import os, sys\nfrom pathlib import Path\nfrom imagebuild.oci import Digest\n"
               "from imagebuild.stores.layout.lease import Lease, leased\nlease = Lease(Path(sys.argv[1]))\n"
               "lease.add(Digest.of(b'a'))\nchild = os.fork()\nif child:\n    os.waitpid(child, 0)\n"
               "    print(len(leased(Path(sys.argv[1]))))\n")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60, capture_output=True)
    assert done.stdout == b"1\n"


def test_half_a_line_is_no_digest(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    lease.add(A)
    path, = tmp_path.iterdir()
    with path.open("ab") as stream:
        stream.write(b"nonsense\n" + B.encode())
    assert leased(tmp_path) == {A}


def test_a_line_that_a_full_disk_cut_short_does_not_spoil_the_next(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, short = os.write, [True]

    def write(fd: int, data: bytes) -> int:
        return whole(fd, data[:20] if short.pop() else data)

    monkeypatch.setattr("imagebuild.stores.layout.lease.os.write", write)
    lease = Lease(tmp_path)
    lease.add(A)
    short += [False, False]
    lease.add(B)
    assert leased(tmp_path) == {B}
    lease.add(A)
    assert leased(tmp_path) == {A, B}, "what was not written is written when it is asked for again"


def test_where_nothing_can_be_written_there_is_no_lease_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Lease(tmp_path / "file" / "leases").add(A)
    assert leased(tmp_path / "file" / "leases") == set()
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208
