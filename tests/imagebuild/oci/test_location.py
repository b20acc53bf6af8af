# SPDX-License-Identifier: Apache-2.0
"""Places of images as typed."""

from __future__ import annotations

import pytest

from imagebuild.errors import UsageError
from imagebuild.oci import Location, Reference

APP = Reference.parse("app:1")


@pytest.mark.parametrize(("text", "location"), [
    ("app:1", Location("", APP)),
    ("app", Location("", Reference.parse("app"))),
    ("localhost:5000/app:1", Location("", Reference.parse("localhost:5000/app:1"))),
    ("docker:latest", Location("", Reference.parse("docker:latest"))),
    ("docker://app:1", Location("docker", APP)),
    ("docker://mcr.microsoft.com/x", Location("docker", Reference.parse("mcr.microsoft.com/x"))),
    ("docker-daemon:app:1", Location("docker-daemon", APP)),
    ("docker-daemon:app", Location("docker-daemon", Reference.parse("app:latest"))),
    ("docker-daemon:sha256:" + "a" * 64, Location("docker-daemon", tag="sha256:" + "a" * 64)),
    ("oci:dir", Location("oci", path="dir")),
    ("oci:/a/b:1", Location("oci", path="/a/b", tag="1")),
    ("oci:dir:docker.io/library/app:1", Location("oci", path="dir", tag="docker.io/library/app:1")),
    (r"oci:C:\images\app:1", Location("oci", path=r"C:\images\app", tag="1")),
    (r"oci:C:\images\app", Location("oci", path=r"C:\images\app")),
    ("oci:C:/images:app:1", Location("oci", path="C:/images", tag="app:1")),
    ("oci:c:1", Location("oci", path="c", tag="1")),
    ("oci-archive:a.tar:1", Location("oci-archive", path="a.tar", tag="1")),
    (r"oci-archive:\\server\share\a.tar", Location("oci-archive", path=r"\\server\share\a.tar")),
    ("dir:a/b", Location("dir", path="a/b")),
    ("dir:a:1", Location("dir", path="a:1")),
    ("docker-archive:a.tar", Location("docker-archive", path="a.tar")),
    ("docker-archive:./a.tar:app:1", Location("docker-archive", path="./a.tar", tag="app:1")),
])
def test_each_transport_is_understood(text: str, location: Location) -> None:
    assert Location.parse(text) == location
    assert Location.parse(str(location)) == location


@pytest.mark.parametrize("text", [
    "", "docker://", "docker:a/b", "oci:", "oci::1", "oci-archive:", "docker-archive:a.tar:Bad Name", "docker-daemon:",
    "ostree:/tmp/x", "https://x/y", "docker://UPPER/case/Path", "containers-storage:/x",
])
def test_what_is_no_place_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        Location.parse(text)


def test_a_transport_we_lack_is_answered_with_those_we_have() -> None:
    with pytest.raises(UsageError) as caught:
        Location.parse("ostree:/tmp/x")
    assert "oci-archive:" in caught.value.hint


@pytest.mark.parametrize("text", [
    "me:s3cret@host:5000/a:1", "docker://me:s3cret@host/a", "https://me:s3cret@host/a", "docker:me:s3cret@host/a",
    "s3cret@host/a", "me:s3/cret@host/a", "ME:s3cret@host/a", "docker-daemon:me:s3cret@host/a", "http://me:s3cret@h/A@x"])
def test_credentials_in_a_name_are_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Location.parse(text)
    assert "cret" not in " ".join(caught.value.lines())


@pytest.mark.parametrize("text", ["app@sha256:0", "a/b:c@sha512:xyz"])
def test_what_is_no_credential_is_shown(text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Location.parse(text)
