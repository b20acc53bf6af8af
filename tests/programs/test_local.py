# SPDX-License-Identifier: Apache-2.0
"""``wcow images``, ``tag``, ``rm``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.home import Home


def test_an_empty_store_says_what_to_do(home: Home) -> None:
    done = home.wcow("images")
    assert done.out == "" and "wcow pull" in done.err
    assert home.wcow("images", "--format", "json").out == "[]\n"


def test_images_are_listed_for_people_and_for_programs(home: Home, app: str, many: str) -> None:
    lines = home.wcow("images").out.splitlines()
    assert lines[0].split() == ["NAME", "PLATFORM", "CREATED", "SIZE", "DIGEST"]
    assert lines[1].split()[:2] == ["app:1", "windows(10.0.20348.2762)/amd64"]
    facts = json.loads(home.wcow("images", "--format", "json").out)
    assert [(image["name"], image["digest"]) for image in facts] == \
        [("docker.io/library/app:1", app), ("docker.io/library/many:1", many)]
    assert home.wcow("images", "-q", "m*").out == "many:1\n"
    assert home.wcow("images", "-q", "app").out == "app:1\n"
    assert "matches zzz" in home.wcow("images", "zzz", code=2).err


def test_a_tag_is_one_more_name_and_rm_takes_it_away(home: Home, app: str) -> None:
    home.wcow("tag", "app:1", "registry.example/app:1", "latest-app")
    assert home.wcow("images", "-q").out.splitlines() == ["app:1", "latest-app:latest", "registry.example/app:1"]
    assert home.wcow("rm", "app:1", "latest-app").out == "app:1\nlatest-app:latest\n"
    assert home.wcow("images", "-q").out == "registry.example/app:1\n"
    home.wcow("tag", app, "again:1")
    assert home.wcow("digest", "again:1", "--offline").out == f"{app}\n"


def test_a_name_that_is_not_there_changes_nothing(home: Home, app: str) -> None:
    wrong = home.wcow("rm", "app:1", "ap:1", code=2)
    assert wrong.err == ("error: no image ap:1 in the local store\n  did you mean app:1?\n"
                         "  'wcow images' lists what is there\n")
    assert home.wcow("images", "-q").out == "app:1\n"
    home.wcow("tag", "ap:1", "x:1", code=2)


def test_another_store_can_be_named(home: Home, app: str) -> None:
    assert home.wcow("images", "-q", "--store", "elsewhere").out == ""
    assert home.wcow("images", "-q", WCOW_STORE=str(home.store_path)).out == "app:1\n"


def test_a_base_cannot_be_called_by_a_digest(home: Home) -> None:
    name = f"base:1@sha256:{'0' * 64}"
    said = home.wcow("base", "create", "-t", name, code=2).err
    assert said == (f"error: {name} cannot be a name in the local store\n  a digest cannot be chosen\n"
                    "  give a name and a tag\n")
    assert "no images yet" in home.wcow("images").err
