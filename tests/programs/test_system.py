# SPDX-License-Identifier: Apache-2.0
"""``wcow rm``, ``system df`` and ``system prune`` free room, and say how much."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from imagebuild.stores.layout.collect import blobs

if TYPE_CHECKING:
    from support.home import Home


def test_rm_frees_the_image_and_prune_the_rest(home: Home, app: str, many: str) -> None:
    told = home.wcow("system", "df").out
    assert "Layers that images share" in told and "Nobody's" in told and "Names" in told
    removed = home.wcow("rm", "app:1")
    assert removed.out == "app:1\n" and removed.err.startswith("freed ")
    home.wcow("rm", "many:1", "--keep-blobs")
    facts = json.loads(home.wcow("system", "df", "--format", "json").out)
    assert facts["names"] == 0 and facts["unreferenced"]["count"] > 4
    dry = json.loads(home.wcow("system", "prune", "-n", "--format", "json").out)
    assert dry["dry_run"] and dry["size"] == facts["unreferenced"]["size"]
    home.wcow("system", "prune", "--older-than", "1h")
    assert len(list(blobs(home.store()))) == facts["unreferenced"]["count"]
    assert home.wcow("system", "prune").out.splitlines()[-1].startswith("freed ")
    assert list(blobs(home.store())) == []


def test_an_image_whose_blobs_were_kept_can_be_had_again(home: Home, app: str) -> None:
    home.wcow("rm", "app:1", "--keep-blobs")
    home.wcow("tag", app, "again:1")
    assert home.wcow("rm", app, "--format", "json").out.startswith("{")
    assert "again:1" not in home.wcow("images", "-q").out
    home.wcow("tag", app, "more:1", code=2)


def test_df_tells_what_each_name_takes(home: Home, app: str, many: str) -> None:
    home.wcow("tag", "app:1", "twin:1")
    lines = home.wcow("system", "df", "-v").out.splitlines()
    assert lines[0].split() == ["NAME", "SHARED", "UNIQUE", "DIGEST"]
    assert [line.split()[0] for line in lines[1:4]] == ["app:1", "many:1", "twin:1"]


def test_an_age_that_is_none_is_refused(home: Home) -> None:
    for age in ("7", "d", "-1d", "1y"):
        assert "is not an age" in home.wcow("system", "prune", f"--older-than={age}", code=2).err


def test_a_damaged_image_stops_prune_with_a_way_out(home: Home, app: str) -> None:
    path = home.store_path / "blobs/sha256" / app.partition(":")[2]
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    stopped = home.wcow("system", "prune", code=3).err
    assert "cannot tell what is needed" in stopped and "remove its name" in stopped
    assert "warning" in home.wcow("system", "df").err
    home.wcow("rm", "app:1")
    home.wcow("system", "prune")
    assert list(blobs(home.store())) == []
