# SPDX-License-Identifier: Apache-2.0
"""What the user said over what the image says."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import shapes
from imagebuild.engine.containers.create import merged
from imagebuild.oci import Config

_WORDS = st.none() | st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple)


def _image(**run: object) -> Config:
    config = Config(architecture="amd64", os="windows")
    return replace(config, run=replace(config.run, **run))  # type: ignore[arg-type]


@given(own_entry=_WORDS, own_cmd=_WORDS, entry=_WORDS, cmd=_WORDS)
def test_a_new_entrypoint_drops_the_images_command(own_entry: tuple[str, ...] | None, own_cmd: tuple[str, ...] | None,
                                                   entry: tuple[str, ...] | None, cmd: tuple[str, ...] | None) -> None:
    found = merged(shapes.Config(entrypoint=own_entry, cmd=own_cmd), _image(entrypoint=entry, cmd=cmd))
    if own_entry:
        assert (found.entrypoint, found.cmd) == (own_entry, own_cmd or None)
    else:
        assert found.cmd == (own_cmd or cmd or None)
        assert found.entrypoint == ((entry or None) if own_entry is None else None)


def test_an_empty_word_takes_the_images_entrypoint_away() -> None:
    found = merged(shapes.Config(entrypoint=("",), cmd=("x",)), _image(entrypoint=("a.exe",)))
    assert (found.entrypoint, found.cmd) == (None, ("x",))


def test_names_of_variables_are_one_whatever_their_case() -> None:
    found = merged(shapes.Config(env=("path=mine", "B=1")), _image(env=("PATH=theirs", "C=2")))
    assert found.env == ("path=mine", "B=1", "C=2")


def test_labels_ports_folders_and_user_come_from_both() -> None:
    image = _image(labels=(("a", "image"), ("b", "image")), exposed_ports=("80/tcp",), user="ContainerUser",
                   working_dir="C:\\app", volumes=("C:\\data",), stop_timeout=7)
    found = merged(shapes.Config(labels={"a": "own"}, exposed_ports=("90/tcp",), working_dir="C:\\own"), image)
    assert found.labels == {"a": "own", "b": "image"}
    assert found.exposed_ports == ("90/tcp", "80/tcp")
    assert (found.user, found.working_dir, found.volumes) == ("ContainerUser", "C:\\own", ("C:\\data",))
    assert found.stop_timeout == 7
    assert merged(shapes.Config(stop_timeout=0), image).stop_timeout == 0
