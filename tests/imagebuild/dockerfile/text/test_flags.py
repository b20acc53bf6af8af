# SPDX-License-Identifier: Apache-2.0
"""Flags of instructions."""

from __future__ import annotations

import pytest

from imagebuild.dockerfile.text.flags import FLAGS, Flags
from imagebuild.errors import FormatError


def test_values_lists_and_booleans():
    flags = Flags("COPY", ("--from=a", "--exclude=x", "--exclude=y", "--link", "--parents=FALSE"))
    assert flags.value("from") == "a"
    assert flags.value("chown", "none") == "none"
    assert flags.values("exclude") == ("x", "y")
    assert (flags.boolean("link"), flags.boolean("parents"), Flags("COPY", ()).boolean("link")) == (True, False, None)


@pytest.mark.parametrize("keyword, word, said", [
    ("COPY", "--form=a", "did you mean --from?"), ("COPY", "--from", "needs a value"), ("COPY", "--link=",
        "true or false"),
    ("COPY", "--link=yes", "true or false"), ("ENV", "--x=y", "it takes no flags"), ("RUN", "--device=gpu",
        "experiment"),
    ("COPY", "--checksum=x", "unknown flag"), ("ADD", "--parents", "unknown flag"),
])
def test_wrong_flags_are_refused(keyword, word, said):
    with pytest.raises(FormatError) as caught:
        Flags(keyword, (word,))
    assert said in " ".join(caught.value.lines())


def test_a_flag_is_given_once_unless_it_is_a_list():
    with pytest.raises(FormatError, match="given twice"):
        Flags("COPY", ("--link", "--link"))
    assert Flags("RUN", ("--mount=a", "--mount=b")).values("mount") == ("a", "b")


def test_every_stable_flag_is_known():
    assert {keyword: sorted(flags) for keyword, flags in FLAGS.items()} == {
        "FROM": ["platform"],
        "COPY": ["chmod", "chown", "exclude", "from", "link", "parents"],
        "ADD": ["checksum", "chmod", "chown", "exclude", "keep-git-dir", "link", "unpack"],
        "RUN": ["mount", "network", "security"],
        "HEALTHCHECK": ["interval", "retries", "start-interval", "start-period", "timeout"],
    }
