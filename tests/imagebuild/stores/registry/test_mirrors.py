# SPDX-License-Identifier: Apache-2.0
"""Which places stand in for a registry."""

from __future__ import annotations

import pytest

from imagebuild.errors import UsageError
from imagebuild.oci import Reference
from imagebuild.stores import Mirrors

NANO = Reference.parse("mcr.microsoft.com/windows/nanoserver:1")


def places(*rules: str, only: bool = False) -> list[str]:
    return [str(place) for place in Mirrors.parse(rules, only=only).places(NANO)]


def test_without_rules_the_registry_itself_is_asked() -> None:
    assert places() == ["mcr.microsoft.com/windows/nanoserver"]


@pytest.mark.parametrize(("rule", "place"), [
    ("mcr.microsoft.com=localhost:5000", "localhost:5000/windows/nanoserver"),
    ("mcr.microsoft.com=cache.corp/mcr/", "cache.corp/mcr/windows/nanoserver"),
    ("mcr.microsoft.com/windows=cache.corp/win", "cache.corp/win/nanoserver"),
    ("mcr.microsoft.com/windows/nanoserver=cache.corp/nano", "cache.corp/nano"),
    (" mcr.microsoft.com/ = https://cache.corp ", "cache.corp/windows/nanoserver"),
])
def test_a_rule_rewrites_the_name(rule: str, place: str) -> None:
    assert places(rule) == [place, "mcr.microsoft.com/windows/nanoserver"]
    assert places(rule, only=True) == [place]


def test_the_longest_rule_wins_and_equal_ones_are_tried_in_order() -> None:
    assert places("mcr.microsoft.com=a.b", "mcr.microsoft.com/windows=c.d", "mcr.microsoft.com/windows=e.f",
                  only=True) == ["c.d/nanoserver", "e.f/nanoserver"]


def test_a_rule_matches_whole_components_only() -> None:
    assert places("mcr.microsoft.com/win=a.b", "mcr.microsoft.co=c.d") == ["mcr.microsoft.com/windows/nanoserver"]


def test_a_scheme_is_kept() -> None:
    place = Mirrors.parse(["mcr.microsoft.com=http://a.b"]).places(NANO)[0]
    assert (place.scheme, place.host, place.mirror) == ("http", "a.b", True)


@pytest.mark.parametrize("rule", ["", "x", "=a.b", "a.b=", "a.b=ftp://x", "a.b=user:pass@x", "https://a.b=c.d",
                                  "a.b=c.d/UPPER", "a.b=c.d?x"])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(UsageError):
        Mirrors.parse([rule])


def test_a_push_goes_to_the_registry_itself_whatever_stands_in_for_it() -> None:
    assert str(Mirrors.parse(["mcr.microsoft.com=a.b"]).home(NANO)) == "mcr.microsoft.com/windows/nanoserver"


def test_air_gapped_a_push_goes_to_mirrors_only() -> None:
    mirrors = Mirrors.parse(["mcr.microsoft.com=http://reg.lan:5000/mcr"], only=True)
    ours = Reference.parse("reg.lan:5000/team/app:1")
    assert mirrors.may_push(ours) and str(mirrors.home(ours)) == "reg.lan:5000/team/app"
    for name in ("mcr.microsoft.com/x", "reg.lan/x", "reg.lan:5001/x", "example.com/reg.lan"):
        assert not mirrors.may_push(Reference.parse(name))
        with pytest.raises(UsageError, match="only mirrors may be asked"):
            mirrors.home(Reference.parse(name))


def test_air_gapped_a_registry_may_be_called_its_own_mirror() -> None:
    mirrors = Mirrors.parse(["reg.lan=reg.lan"], only=True)
    name = Reference.parse("reg.lan/team/app")
    assert str(mirrors.home(name)) == "reg.lan/team/app"
    assert [str(place) for place in mirrors.places(name)] == ["reg.lan/team/app"]


def test_air_gapped_a_name_of_a_mirror_means_that_mirror_unless_a_rule_says_otherwise() -> None:
    ours = Reference.parse("reg.lan/team/app")
    assert [str(place) for place in Mirrors.parse(["mcr.microsoft.com=reg.lan/mcr"], only=True).places(ours)] == [
        "reg.lan/team/app"]
    assert [str(place) for place in Mirrors.parse(["mcr.microsoft.com=reg.lan/mcr", "reg.lan=near.lan"],
                                                  only=True).places(ours)] == ["near.lan/team/app"]
