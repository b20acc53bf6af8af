# SPDX-License-Identifier: Apache-2.0
"""Tags of a repository: many, endless, not removable."""

from __future__ import annotations

import pytest
from support.registry_double import answer
from support.registry_lab import Lab

from imagebuild.errors import FormatError, UnsupportedError


def test_tags_are_listed_over_many_pages(lab: Lab) -> None:
    lab.double.page_size = 2
    for number in range(5):
        lab.double.manifests[("app", f"t{number}")] = ("x", b"")
    assert lab.store().tags() == ["t0", "t1", "t2", "t3", "t4"]


def test_a_list_of_tags_that_never_ends_ends(lab: Lab) -> None:
    lab.double.next("GET", "/tags/", answer(200, {"Link": '</v2/app/tags/list?last=a>; rel="next"'}, {"tags": ["a"]}),
                    times=99)
    assert lab.store().tags() == ["a"]
    assert len(lab.double.lines()) == 2


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"tags":7}', b"x"])
def test_a_list_of_tags_that_is_none_is_refused(lab: Lab, body: bytes) -> None:
    lab.double.next("GET", "/tags/", answer(200, body=body))
    with pytest.raises(FormatError):
        lab.store().tags()


def test_a_registry_that_cannot_remove_tags_says_so(lab: Lab) -> None:
    lab.double.next("DELETE", "/manifests/", answer(405))
    with pytest.raises(UnsupportedError):
        lab.store().untag("1")
