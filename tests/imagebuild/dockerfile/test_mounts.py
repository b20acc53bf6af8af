# SPDX-License-Identifier: Apache-2.0
"""RUN --mount options."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.dockerfile.expand import expand
from imagebuild.dockerfile.mounts import Mount, MountType, Sharing, parse_mount
from imagebuild.errors import FormatError


@pytest.mark.parametrize("word, expected", [
    ("target=C:\\x", {"target": "C:\\x", "read_only": True}),
    ("type=bind,source=a,dst=b,from=stage", {"source": "a", "target": "b", "source_stage": "stage"}),
    ("type=bind,src=a,destination=b,rw", {"source": "a", "target": "b", "read_only": False}),
    ("type=bind,target=b,readwrite=false", {"target": "b", "read_only": True}),
    ("type=cache,target=b", {"type": MountType.CACHE, "target": "b", "read_only": False}),
    ("TYPE=Cache,target=b,ro,id=x,sharing=Locked,mode=0755,uid=1,gid=2",
     {"type": MountType.CACHE, "target": "b", "read_only": True, "id": "x", "sharing": Sharing.LOCKED, "mode": 0o755,
      "uid": 1, "gid": 2}),
    ("type=tmpfs,target=b,size=64m", {"type": MountType.TMPFS, "target": "b", "size": 64 << 20, "read_only": False}),
    ("type=secret,id=x,env=X,required", {"type": MountType.SECRET, "id": "x", "env": "X", "required": True}),
    ("type=secret,id=x,required=false", {"type": MountType.SECRET, "id": "x", "required": False}),
    ("type=ssh", {"type": MountType.SSH}),
    ('type=bind,"source=a,""b""",target=c', {"source": 'a,"b"', "target": "c"}),
])
def test_options_become_fields(word, expected):
    assert parse_mount(word) == Mount(word, **expected)


@pytest.mark.parametrize("word, said", [
    ("", "not an option"), ("type=volume,target=x", "not one of"), ("type=cach,target=x", "not one of"),
    ("targt=x", "did you mean target?"), ("target", "needs a value"), ("type=bind,target=x,size=1", "takes no size"),
    ("type=bind,target=x,required", "takes no required"), ("type=bind,target=x,uid=1", "takes no uid"),
    ("type=bind,target=x,sharing=shared", "takes no sharing"), ("type=secret", "id or a target"),
    ("type=secret,source=a,id=b", "not both"), ("type=secret,id=a,from=b", "takes no from"),
    ("type=cache,target=x,mode=9", "mode"), ("type=cache,target=x,uid=x", "uid"), ("type=bind,target=x,ro=maybe", "ro"),
    ("type=bind,from=$X,target=x", "not expanded in from"), ('type=bind,"target=x', "closing quote"),
    ('type=bind,target="x"', "quote inside"), ('"type=bind"x', "quote inside"), ("type=bind,", "not an option"),
])
def test_bad_options_are_refused_by_name(word, said):
    with pytest.raises(FormatError) as caught:
        parse_mount(word)
    assert said in " ".join(caught.value.lines())
    assert caught.value.what.startswith("--mount=")


def test_values_wait_for_their_variables():
    word = "type=$T,target=$X/a,size=$S,id=$X"
    assert parse_mount(word) == Mount(word, target="$X/a", id="$X")
    env = {"T": "tmpfs", "X": "C:", "S": "1k"}
    found = parse_mount(word, lambda value: expand(value, env.get))
    assert found == Mount(word, MountType.TMPFS, target="C:/a", size=1024, id="C:", read_only=False)


def test_expansion_that_makes_nonsense_is_refused():
    with pytest.raises(FormatError, match="not one of"):
        parse_mount("type=$T,target=x", lambda value: expand(value, {}.get))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["type=cache", "type=secret", "type=", "target=x", "id=a", "size=1", "ro",
    "uid=$X", '"a',
                                 "from=x", "", "=", "mode=7", "required"]), max_size=5))
def test_nothing_but_our_error_escapes(fields):
    try:
        found = parse_mount(",".join(fields))
    except FormatError:
        return
    assert found.word == ",".join(fields)
