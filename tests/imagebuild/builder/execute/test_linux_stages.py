# SPDX-License-Identifier: Apache-2.0
"""Stages for Linux in a build: which are handed to a Linux builder, with what, and where their files end."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from support.builds import NANOSERVER, Bench

from imagebuild.builder import BuildRequest, build
from imagebuild.builder.execute.linux_stages import LinuxStage
from imagebuild.errors import ContextError, DockerfileError, ToolError
from imagebuild.events import Event, Finish, Output

TWO = f"""FROM --platform=linux/amd64 scratch AS tools
COPY sh /bin/sh
FROM tools AS build
ARG WORD
RUN make $WORD
FROM {NANOSERVER}
COPY --from=build /out/ C:/app/
"""


class Script:
    """A builder that puts one file into ``/out`` of a stage, or fails."""

    name = "script"

    def __init__(self, *, fails: bool = False) -> None:
        self.built: list[LinuxStage] = []
        self.fails = fails

    def build(self, stage: LinuxStage, out: Path, step: str) -> Generator[Event, None, None]:
        self.built.append(stage)
        yield Output(step, "said\n", True)
        if self.fails:
            raise ToolError(f"cannot build the stage {stage.target}", program=self.name, why="it ended with 7")
        (out / "out").mkdir(parents=True)
        (out / "out" / f"{stage.target}.txt").write_text(stage.target)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.base()
    made.linux = Script()
    return made


def script(bench: Bench) -> Script:
    assert isinstance(bench.linux, Script)
    return bench.linux


def test_the_stage_that_files_are_taken_from_is_built_and_no_other(bench: Bench) -> None:
    built = bench.build(TWO, {"sh": "x"}, linux_builder="auto", build_args=(("WORD", "a"),), no_cache=True,
                        build_contexts=(("more", str(bench.folder)),))
    [stage] = script(bench).built
    assert (stage.target, stage.platform, stage.build_args) == ("build", "windows/amd64", (("WORD", "a"),))
    assert stage.build_contexts == (("more", str(bench.folder)),)
    assert stage.no_cache
    assert (stage.context / "Dockerfile").read_text() == TWO
    assert stage.dockerfile == stage.context / "Dockerfile"
    assert bench.content(built, "Files/app/build.txt") == b"build"
    assert Output("linux 1", "said\n", True) in bench.events
    assert Finish("linux 1") in bench.events
    assert bench.warnings() == ["unused-build-context"]


def test_stages_without_a_name_are_named_by_their_number(bench: Bench) -> None:
    text = TWO.replace("FROM tools AS build", "FROM tools").replace("--from=build", "--from=1")
    built = bench.build(text, {"sh": "x"}, linux_builder="buildah")
    assert [stage.target for stage in script(bench).built] == ["1"]
    assert bench.content(built, "Files/app/1.txt") == b"1"


def test_a_stage_given_as_a_context_is_not_built(bench: Bench) -> None:
    (bench.folder / "given" / "out").mkdir(parents=True)
    (bench.folder / "given" / "out" / "given.txt").write_text("given")
    given = (("build", str(bench.folder / "given")),)
    built = bench.build(TWO, {"sh": "x"}, linux_builder="auto", build_contexts=given)
    assert script(bench).built == []
    assert bench.content(built, "Files/app/given.txt") == b"given"


def test_the_plan_says_what_would_build_it_and_builds_nothing(bench: Bench) -> None:
    plan = bench.plan(TWO, {"sh": "x"}, linux_builder="auto")
    assert [step.way for _stage, step in plan.runs()] == ["auto"]
    assert plan.refused() == []
    assert script(bench).built == []


def test_a_dockerfile_that_is_no_file_of_the_context_is_handed_over(bench: Bench) -> None:
    context = bench.context({"sh": "x"})
    list(build(BuildRequest(context=str(context), dockerfile="-", linux_builder="auto"),
               replace(bench.shop(), stdin=io.BytesIO(TWO.encode()))))
    [stage] = script(bench).built
    assert stage.context == context
    assert stage.dockerfile.parent != context


def test_without_a_builder_the_error_says_what_to_install(bench: Bench) -> None:
    bench.linux = None
    with pytest.raises(DockerfileError, match="no Linux builder is here") as caught:
        bench.build(TWO, {"sh": "x"}, linux_builder="auto")
    assert caught.value.hint.startswith("install buildah, or docker with buildx; or build that stage elsewhere")
    with pytest.raises(DockerfileError, match="RUN of a Linux stage needs a Linux builder"):
        bench.build(TWO, {"sh": "x"}, linux_builder="none")


def test_a_builder_that_fails_names_the_stage_and_its_line(bench: Bench) -> None:
    bench.linux = Script(fails=True)
    with pytest.raises(ToolError, match=r"Dockerfile:3: .*cannot build the stage build.*it ended with 7"):
        bench.build(TWO, {"sh": "x"}, linux_builder="auto")


def test_files_of_a_windows_stage_cannot_be_taken(bench: Bench) -> None:
    text = (f"FROM {NANOSERVER} AS win\nFROM --platform=linux/amd64 scratch AS build\nCOPY --from=win /x /x\nRUN make\n"
            f"FROM {NANOSERVER}\nCOPY --from=build /out C:\\out\n")
    with pytest.raises(DockerfileError, match=r"Dockerfile:3: .*for Linux cannot take files from one for Windows"):
        bench.build(text, linux_builder="auto")
    assert script(bench).built == []


def test_a_context_that_is_no_folder_is_refused(bench: Bench, tmp_path: Path) -> None:
    context = bench.context({"sh": "x", "Dockerfile": TWO})
    with tarfile.open(tmp_path / "context.tar", "w") as archive:
        archive.add(context, ".")
    with pytest.raises(ContextError, match="from a folder of this machine"):
        bench.run(tmp_path / "context.tar", linux_builder="auto")
