# SPDX-License-Identifier: Apache-2.0
"""How repositories are named."""

from __future__ import annotations

import pytest

from imagebuild.errors import InputError, UnsupportedError
from imagebuild.fetch import GitSource, is_git_url


@pytest.mark.parametrize(("text", "source"), [
    ("https://h/x.git", GitSource("https://h/x.git")),
    ("https://h/x.git#main", GitSource("https://h/x.git", "main")),
    ("https://h/x.git#main:docs/a", GitSource("https://h/x.git", "main", "docs/a")),
    ("https://h/x.git#:docs/", GitSource("https://h/x.git", "", "docs")),
    ("git@h:o/x.git#v1", GitSource("git@h:o/x.git", "v1")),
    ("ssh://git@h/x", GitSource("ssh://git@h/x")),
    ("git://h/x#refs/tags/v1", GitSource("git://h/x", "refs/tags/v1")),
    ("github.com/o/x", GitSource("https://github.com/o/x")),
    ("https://h/x.git?branch=a&subdir=b", GitSource("https://h/x.git", "refs/heads/a", "b")),
    ("https://h/x.git?tag=v1&checksum=abcdef0", GitSource("https://h/x.git", "refs/tags/v1", commit="abcdef0")),
    ("https://h/x.git?submodules=false&keep-git-dir", GitSource("https://h/x.git", submodules=False,
                                                                keep_git_dir=True)),
])
def test_every_form_is_understood(text: str, source: GitSource) -> None:
    assert GitSource.parse(text) == source


@pytest.mark.parametrize("text", [
    "https://h/x.git#-upload-pack=x", "https://h/x.git#a..b", "https://h/x.git#a b", "https://h/x.git#:../up",
    "https://h/x.git#:.git/hooks", "https://h/x.git?nonsense=1", "https://h/x.git?branch=a&tag=b",
    "https://h/x.git?branch=a#b", "folder", "-x@h:y", "git@-oProxyCommand=x:y", "https:///x.git", "ssh://-oProxy/x",
])
def test_what_has_no_meaning_or_hides_an_option_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="git repository"):
        GitSource.parse(text)


@pytest.mark.parametrize("text", ["file:///x.git", "ext::sh -c x", "ext://x", "ftp://h/x.git"])
def test_other_protocols_are_refused(text: str) -> None:
    with pytest.raises((UnsupportedError, InputError)):
        GitSource.parse(text)


def test_the_text_of_a_source_has_no_password() -> None:
    assert str(GitSource.parse("https://me:secret@h/x.git#main:d")) == "https://h/x.git#main:d"


@pytest.mark.parametrize(("text", "git"), [
    ("https://h/x.git", True), ("https://h/x.git#a:b", True), ("https://h/x.git?ref=a", True), ("http://h/x.git", True),
    ("https://h/x", False), ("https://h/x.git.zip", False), ("https://h/x?y=z.git", False), ("git@h:x", True),
    ("git://h/x", True), ("ssh://h/x", True), ("github.com/o/x", True), ("x.git", False), ("a/b", False),
    ("C:\\x.git", False),
])
def test_repositories_are_told_from_files(text: str, git: bool) -> None:
    assert is_git_url(text) is git
