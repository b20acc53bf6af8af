# SPDX-License-Identifier: Apache-2.0
"""Contexts from everywhere, and the Dockerfile among them."""

from __future__ import annotations

import io
import tarfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebuild.builder.context.archive import is_archive
from imagebuild.builder.execute.opening import Contexts
from imagebuild.builder.request import BuildRequest
from imagebuild.errors import ContextError, DockerfileError, FetchError, WcowError
from imagebuild.fetch import MemoryFetcher

TEXT = b"FROM scratch\n"


def packed(files: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def stack() -> ExitStack:
    with ExitStack() as opened:
        yield opened  # type: ignore[misc]


def contexts(stack: ExitStack, scratch: Path, *, stdin: bytes = b"", urls: dict[str, bytes] | None = None,
             **request: str) -> Contexts:
    scratch.mkdir(exist_ok=True)
    return Contexts(BuildRequest(**request), MemoryFetcher(urls or {}), stack, scratch,  # type: ignore[arg-type]
                    stdin=io.BytesIO(stdin))


def folder(root: Path, **files: bytes) -> str:
    root.mkdir()
    for name, data in files.items():
        (root / name.replace("_", ".")).write_bytes(data)
    return str(root)


def test_the_dockerfile_of_a_folder_in_either_spelling(tmp_path: Path, stack: ExitStack) -> None:
    for name in ("Dockerfile", "dockerfile"):
        found = contexts(stack, tmp_path / "s", context=folder(tmp_path / name, **{name: TEXT})).dockerfile()
        assert found.file == name


def test_a_dockerfile_beside_the_context_brings_its_own_ignore_file(tmp_path: Path, stack: ExitStack) -> None:
    context = folder(tmp_path / "c", a=b"1", b=b"2", _dockerignore=b"a\n")
    own = tmp_path / "My.Dockerfile"
    own.write_bytes(TEXT)
    opened = contexts(stack, tmp_path / "s", context=context, dockerfile=str(own))
    opened.dockerfile()
    assert [item.path for item in opened.main().children()] == [".dockerignore", "b"]
    (tmp_path / "My.Dockerfile.dockerignore").write_bytes(b"b\n")
    opened = contexts(stack, tmp_path / "s", context=context, dockerfile=str(own))
    opened.dockerfile()
    assert [item.path for item in opened.main().children()] == [".dockerignore", "a"]


def test_a_dockerfile_inside_the_context_is_found_by_its_path_there(tmp_path: Path, stack: ExitStack) -> None:
    context = folder(tmp_path / "c")
    (tmp_path / "c" / "sub").mkdir()
    (tmp_path / "c" / "sub" / "x").write_bytes(TEXT)
    assert contexts(stack, tmp_path / "s", context=context, dockerfile="sub/x").dockerfile().file == "sub/x"


def test_no_dockerfile_and_no_context_are_said_plainly(tmp_path: Path, stack: ExitStack) -> None:
    with pytest.raises(DockerfileError, match="there is no Dockerfile"):
        contexts(stack, tmp_path / "s", context=folder(tmp_path / "c")).dockerfile()
    with pytest.raises(ContextError, match="cannot use"):
        contexts(stack, tmp_path / "s", context=str(tmp_path / "none")).dockerfile()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tarball_from_standard_input_a_file_or_a_url(tmp_path: Path, stack: ExitStack, mode: str) -> None:
    data = packed({"Dockerfile": TEXT, "a": b"1"}, mode)
    (tmp_path / "c.tar").write_bytes(data)
    for opened in (contexts(stack, tmp_path / "s", context="-", stdin=data),
                   contexts(stack, tmp_path / "s", context=str(tmp_path / "c.tar")),
                   contexts(stack, tmp_path / "s", context="https://h/c.tar", urls={"https://h/c.tar": data})):
        assert opened.dockerfile().instructions[0].text == "FROM scratch"
        assert opened.main().get("a") is not None


def test_standard_input_that_is_no_archive_is_the_dockerfile(tmp_path: Path, stack: ExitStack) -> None:
    opened = contexts(stack, tmp_path / "s", context="-", stdin=TEXT)
    assert opened.dockerfile().stages[0].start.base == "scratch"
    assert opened.main().children() == ()
    with pytest.raises(ContextError, match="neither"):
        contexts(stack, tmp_path / "s", context="-", stdin=b"\0\1\2").dockerfile()


def test_standard_input_serves_one_thing_only(tmp_path: Path, stack: ExitStack) -> None:
    assert contexts(stack, tmp_path / "s", dockerfile="-", stdin=TEXT, context=folder(tmp_path / "c")).dockerfile()
    with pytest.raises(ContextError, match="both"):
        contexts(stack, tmp_path / "s", dockerfile="-", context="-", stdin=TEXT).dockerfile()


def test_named_contexts_obey_their_own_ignore_file_and_are_opened_once(tmp_path: Path, stack: ExitStack) -> None:
    named = folder(tmp_path / "n", a=b"1", b=b"2", _dockerignore=b"a\n")
    opened = contexts(stack, tmp_path / "s", context=folder(tmp_path / "c", Dockerfile=TEXT))
    assert [item.path for item in opened.get(named).children()] == [".dockerignore", "b"]
    assert opened.get(named) is opened.get(named)
    with pytest.raises(FetchError):
        opened.get("https://h/none.tar")


@pytest.mark.parametrize(("data", "yes"), [
    (packed({"a": b""}), True), (packed({"a": b""}, "w:gz"), True), (b"", False), (b"PK\3\4" + b"\0" * 600, False),
    (b"text" * 300, False), (packed({}), False), (b"\x1f\x8b\x08\0\0", False)])
def test_contents_decide_what_is_an_archive(tmp_path: Path, data: bytes, yes: bool) -> None:
    (tmp_path / "x").write_bytes(data)
    assert is_archive(tmp_path / "x") is yes
    assert is_archive(tmp_path / "none") is False


def test_every_trouble_is_one_of_our_errors(tmp_path: Path, stack: ExitStack) -> None:
    lying = packed({"Dockerfile": TEXT})[:520]
    with pytest.raises(WcowError):
        contexts(stack, tmp_path / "s", context="-", stdin=lying).dockerfile()
