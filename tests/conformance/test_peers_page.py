# SPDX-License-Identifier: Apache-2.0
"""The page about the peers is what ``scripts/peers`` writes on this machine, if it has the programs of the page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def versions(page: str) -> list[str]:
    return re.findall(r"^\| (?:crane|BuildKit|buildah) \| .*$", page, flags=re.MULTILINE)


@pytest.mark.usefixtures("crane", "dockerd", "registry")
def test_the_page_says_what_the_peers_write(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, TOP / "scripts/peers", tmp_path / "peers.md"], capture_output=True,
                          text=True, timeout=600, check=False)
    if done.returncode and "cannot be compared here" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert not done.returncode, done.stdout + done.stderr
    found, kept = (tmp_path / "peers.md").read_text("utf-8"), (TOP / "docs/peers.md").read_text("utf-8")
    assert len(versions(kept)) == 3
    if versions(found) != versions(kept):
        pytest.skip(f"the page is about other versions than {versions(found)}")
    assert found == kept, "make peers"
