# SPDX-License-Identifier: Apache-2.0
"""Image names, held against the tables of distribution/reference (``reference_test.go``, ``normalize_test.go``)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import UsageError
from imagebuild.oci import Digest, Reference, is_tag
from imagebuild.oci.reference import without_login

HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SHA = f"sha256:{HEX}"

# text -> (full form, short form)
GOOD = {
    "app": ("docker.io/library/app", "app"),
    "app:1": ("docker.io/library/app:1", "app:1"),
    "docker/docker": ("docker.io/docker/docker", "docker/docker"),
    "library/debian": ("docker.io/library/debian", "debian"),
    "docker.io/docker/docker": ("docker.io/docker/docker", "docker/docker"),
    "docker.io/library/debian": ("docker.io/library/debian", "debian"),
    "docker.io/debian": ("docker.io/library/debian", "debian"),
    "index.docker.io/docker/docker": ("docker.io/docker/docker", "docker/docker"),
    "index.docker.io/debian": ("docker.io/library/debian", "debian"),
    "127.0.0.1:5000/docker/docker": ("127.0.0.1:5000/docker/docker",) * 2,
    "127.0.0.1:5000/library/debian": ("127.0.0.1:5000/library/debian",) * 2,
    "127.0.0.1:5000/debian": ("127.0.0.1:5000/debian",) * 2,
    "localhost/library/debian": ("localhost/library/debian",) * 2,
    "localhost/debian": ("localhost/debian",) * 2,
    "LOCALDOMAIN/docker/docker": ("LOCALDOMAIN/docker/docker",) * 2,
    "EXAMPLE.com/foo:Tag": ("EXAMPLE.com/foo:Tag",) * 2,
    "[2001:db8::1]:5000/repo": ("[2001:db8::1]:5000/repo",) * 2,
    "[::1]/repo": ("[::1]/repo",) * 2,
    "xn--n3h.com/myimage": ("xn--n3h.com/myimage",) * 2,
    "foo_bar.com:8080": ("docker.io/library/foo_bar.com:8080", "foo_bar.com:8080"),
    "test:5000/repo": ("test:5000/repo",) * 2,
    "test_com/foo": ("docker.io/test_com/foo", "test_com/foo"),
    "test.com:5000": ("docker.io/library/test.com:5000", "test.com:5000"),
    "foo/foo_bar.com:8080": ("docker.io/foo/foo_bar.com:8080", "foo/foo_bar.com:8080"),
    "foo__bar/a--b": ("docker.io/foo__bar/a--b", "foo__bar/a--b"),
    "mcr.microsoft.com/windows/nanoserver:ltsc2022": ("mcr.microsoft.com/windows/nanoserver:ltsc2022",) * 2,
    f"test.com/repo:tag@{SHA}": (f"test.com/repo:tag@{SHA}",) * 2,
    f"app@{SHA}": (f"docker.io/library/app@{SHA}", f"app@{SHA}"),
    "a.b/c:" + "t" * 128: ("a.b/c:" + "t" * 128,) * 2,
    "a.b/" + "c" * 255: ("a.b/" + "c" * 255,) * 2,
    f"{HEX[:63]}": (f"docker.io/library/{HEX[:63]}", HEX[:63]),
    "a.b/c:_x": ("a.b/c:_x",) * 2,
    "library/localhost/x": ("docker.io/library/localhost/x", "library/localhost/x"),
}

BAD = [
    "", ":", ":tag", "@", f"@{SHA}", "app:", "app@", "app@sha256:abc", "Uppercase:tag",
    "Uppercase/lowercase:tag/X", "test:5000/Uppercase/lowercase:tag", "lowercase:Uppercase/repo", "aa/asdf$$^/aa", "https://github.com/x/y",
    "docker///docker", "docker.io/docker///docker", "docker.io/docker/Docker", "/app", "app/", "app//x", "./app",
    "../app", "app/../x", "-foo/bar", "foo/bar-", "foo-/bar", "foo/-bar", "foo/b___ar", "foo/b..ar", "foo/.bar",
    "_foo", "foo._bar", "test.com/repo:tag@sha257:" + HEX, f"app@sha256:{HEX.upper()}", f"app@sha256:{HEX}0",
    "a.b/c:" + "t" * 129, "a.b/c:.x", "a.b/c:-x", "a.b/" + "c" * 256, HEX, "app:1:2", "app 1", "app\n", "äpp",
    "[2001:db8::1]", "[fe80::1%eth0]:5000/repo", "[2001:db8:3:4::192.0.2.33]:5000/repo", "-test.com/x", "test-.com/x",
    "a.b:port/c", "xn--n3h.com/☃", "app:ü",
]


@pytest.mark.parametrize(("text", "full", "familiar"), [(text, *forms) for text, forms in GOOD.items()])
def test_a_name_is_normalised_as_docker_does(text: str, full: str, familiar: str) -> None:
    reference = Reference.parse(text)
    assert (str(reference), reference.familiar) == (full, familiar)
    assert Reference.parse(full) == reference
    assert Reference.parse(familiar) == reference


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Reference.parse(text)


def test_the_error_says_that_names_are_lower_case() -> None:
    with pytest.raises(UsageError, match="lower case"):
        Reference.parse("mcr.microsoft.com/Windows/nanoserver")


def test_a_name_tells_its_parts() -> None:
    reference = Reference.parse(f"localhost:5000/a/b:1@{SHA}")
    assert (reference.domain, reference.path, reference.tag, reference.digest) == \
        ("localhost:5000", "a/b", "1", Digest(SHA))
    assert reference.repository == "localhost:5000/a/b"


def test_the_target_is_the_digest_then_the_tag_then_latest() -> None:
    assert Reference.parse(f"app:1@{SHA}").target == SHA
    assert Reference.parse("app:1").target == "1"
    assert Reference.parse("app").target == "latest"


def test_a_tag_is_added_only_where_nothing_names_a_version() -> None:
    assert Reference.parse("app").tagged().tag == "latest"
    assert Reference.parse("app:1").tagged().tag == "1"
    assert Reference.parse(f"app@{SHA}").tagged().tag == ""


def test_tag_and_digest_can_be_replaced() -> None:
    reference = Reference.parse("app:1")
    assert str(reference.with_tag("2")) == "docker.io/library/app:2"
    assert str(reference.with_digest(Digest(SHA))) == f"docker.io/library/app:1@{SHA}"
    with pytest.raises(UsageError):
        reference.with_tag("a/b")


@pytest.mark.parametrize(("text", "yes"), [("1", True), ("_a.b-c", True), ("t" * 128, True), ("", False),
                                           ("t" * 129, False), (".a", False), ("-a", False), ("a/b", False),
                                           ("a:b", False), ("ä", False), ("a\n", False)])
def test_what_may_be_a_tag(text: str, yes: bool) -> None:
    assert is_tag(text) is yes


@given(st.text(alphabet="abcA01._-/:@[] é", max_size=30))
def test_every_text_is_a_name_or_a_usage_error_and_names_are_stable(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except UsageError:
        return
    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(reference.familiar) == reference


@pytest.mark.parametrize("text", ["a" * 3_000_000, "a@" * 1_000_000, "@sha1" * 500_000, "a-" * 1_500_000,
                                  "x://" * 700_000, "a/" * 1_500_000 + "B"])
def test_a_name_of_megabytes_is_refused_by_its_length(text: str) -> None:
    with pytest.raises(UsageError, match="a name has at most 1024") as failed:
        Reference.parse(text)
    assert len(str(failed.value)) < 600


def test_a_login_longer_than_what_is_shown_is_hidden_all_the_same() -> None:
    assert without_login("user:" + "s" * 2000 + "@reg.example/app other") == "…@reg.example/app other"
    assert without_login("https://u:p@reg/app@sha256:00 https://a:b@c") == "https://…@reg/app@sha256:00 https://…@c"
    assert without_login("app@sha256:00") == "app@sha256:00"
