# SPDX-License-Identifier: Apache-2.0
"""RUN in a build: what is executed, what becomes of it, what is refused. The runner is a script of the test."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from support.builds import NANOSERVER, Bench

from imagebuild.builder import BuildRequest
from imagebuild.builder.cache.cache import RunLayer, read_record
from imagebuild.builder.plan.plan import Execute
from imagebuild.builder.provenance import statement
from imagebuild.builder.run.runner import Blobs
from imagebuild.codec import Compression
from imagebuild.errors import DockerfileError, RunError
from imagebuild.events import Event, Output
from imagebuild.fetch import Fetched
from imagebuild.images.put import put_layer
from imagebuild.layer import Entry, Kind, LayerWriter, Times
from imagebuild.oci import Image
from imagebuild.windows import attributes
from imagebuild.windows.acl.sddl import parse_sddl
from imagebuild.windows.filetime import DOS_EPOCH

FROM = f"FROM {NANOSERVER}\n"


class Script:
    """A runner whose commands are ``make PATH…`` (a folder each, in one layer), ``delta`` (a layer above the base),
    ``nothing`` and ``fail``."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ran: list[tuple[Image, Execute]] = []
        self.fetched: tuple[Fetched, ...] | None = None
        self.known = True

    def counts(self, step: Execute, fetched: tuple[Fetched, ...] | None) -> bool:
        return self.known or fetched is not None

    def execute(self, image: Image, blobs: Blobs, step: Execute, name: str) -> Generator[Event, None, list[RunLayer]]:
        assert all(blobs.has_blob(layer) for layer in image.layers)
        self.ran.append((image, step))
        yield Output(name, "said\n")
        words = step.words[0].removeprefix("powershell -Command ").removeprefix("cmd /S /C ").split()
        if words[0] == "fail":
            raise RunError("the command ended with 7", code=7)
        if words[0] == "nothing":
            return []
        layer = put_layer(self.bench.local, lambda writer: self._fill(writer, words[1:]), Compression())
        return [RunLayer(1 if words[0] == "delta" else len(image.layers), layer.descriptor, layer.diff_id)]

    def _fill(self, writer: LayerWriter, paths: list[str]) -> None:
        times = Times.all(DOS_EPOCH)
        for path in ("Files", *(f"Files/{one}" for one in paths), "Hives"):
            security = None if path in ("Files", "Hives") else parse_sddl("O:BAG:SYD:(A;OICI;FA;;;SY)").to_bytes()
            writer.add(Entry(path, Kind.DIRECTORY, attributes=attributes.DIRECTORY, security=security, times=times))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.base()
    made.runner = Script(made)
    return made


def script(bench: Bench) -> Script:
    assert isinstance(bench.runner, Script)
    return bench.runner


def test_what_a_command_makes_is_a_layer_that_later_steps_see(bench: Bench) -> None:
    built = bench.build(FROM + "RUN make made\nCOPY a C:/made/\n", {"a": "x"}, run="engine")
    assert [line.created_by for line in built.image.config.history][1:] == ["RUN make made", "COPY a C:/made/"]
    assert len(built.image.layers) == 3
    assert [event.text for event in bench.events if isinstance(event, Output)] == ["said\n"]


def test_a_command_that_changes_nothing_leaves_its_line_in_the_history(bench: Bench) -> None:
    built = bench.build(FROM + "RUN nothing\n", run="engine")
    assert len(built.image.layers) == 1
    assert [(line.created_by, line.empty_layer) for line in built.image.config.history][1:] == [("RUN nothing", True)]


def test_a_registry_delta_goes_where_the_runner_says(bench: Bench) -> None:
    built = bench.build(FROM + "RUN make a\nRUN delta b\n", run="engine")
    assert [line.created_by for line in built.image.config.history][1:] == ["RUN delta b", "RUN make a"]
    assert len(set(built.image.diff_ids)) == 3


def test_a_command_sees_env_arg_folder_user_and_shell(bench: Bench) -> None:
    bench.build(FROM + "ARG WHO=me\nARG A=1\nENV A=2 B=3\nUSER ContainerUser\nWORKDIR C:\\work\n"
                "SHELL [\"powershell\", \"-Command\"]\nRUN nothing $env:A\nRUN [\"nothing\", \"a b\"]\n", run="engine")
    (image, shell), (_image, vector) = script(bench).ran
    assert (shell.words, shell.escaped) == (("powershell -Command nothing $env:A",), True)
    assert (vector.words, vector.escaped) == (("nothing", "a b"), False)
    assert shell.variables == ("WHO=me",)
    run = image.config.run
    assert (run.env[-2:], run.user, run.working_dir) == (("A=2", "B=3"), "ContainerUser", "C:\\work")


def test_the_variables_of_a_command_are_in_no_image(bench: Bench) -> None:
    built = bench.build(FROM + "ARG TOKEN=hidden\nRUN nothing\n", run="engine", build_args=(("TOKEN", "geheim"),))
    assert "TOKEN=geheim" in script(bench).ran[0][1].variables
    assert b"geheim" not in built.image.config_bytes()


def test_a_command_that_fails_is_named_with_its_line_and_nothing_is_kept(bench: Bench) -> None:
    before = bench.local.tags()
    with pytest.raises(RunError, match="Dockerfile:2: RUN: the command ended with 7") as caught:
        bench.build(FROM + "RUN fail\n", run="engine")
    assert (caught.value.facts["code"], caught.value.exit_code) == (7, 1)
    assert bench.local.tags() == before


def test_the_second_build_takes_the_layers_of_the_first(bench: Bench) -> None:
    bench.cached = True
    dockerfile = FROM + "RUN make a\nRUN nothing\nRUN delta c\n"
    first = bench.build(dockerfile, run="engine")
    again = bench.build(dockerfile, run="engine")
    assert again.descriptor == first.descriptor
    assert len(script(bench).ran) == 3


def test_the_layers_of_a_cached_command_are_kept_as_those_of_any_step(bench: Bench) -> None:
    bench.cached = True
    built = bench.build(FROM + "RUN make a\nRUN delta b\n", run="engine")
    records = [read_record(path) for path in (bench.folder / "steps").iterdir() if len(path.name) == 64]
    assert {layer.digest for layer in built.image.layers[1:]} == {one.descriptor.digest for one in records if one}


@pytest.mark.parametrize("how", [{"epoch": 1_600_000_000}, {"compression": Compression.parse("zstd")}])
def test_a_layer_for_another_epoch_or_compression_is_made_anew(bench: Bench, how: dict[str, Any]) -> None:
    bench.cached = True
    first = bench.build(FROM + "RUN make a\n", run="engine", epoch=1_500_000_000)
    second = bench.build(FROM + "RUN make a\n", run="engine", **{"epoch": 1_500_000_000, **how})
    assert isinstance(bench.runner, Script)
    assert len(bench.runner.ran) == 2
    assert first.image.layers[0] == second.image.layers[0]


@pytest.mark.parametrize("change", ["ENV X=1\n", "USER other\n", "WORKDIR C:\\other\n", "ARG Y=2\n", "RUN make z\n"])
def test_what_a_command_can_see_decides_whether_it_runs_again(bench: Bench, change: str) -> None:
    bench.cached = True
    bench.build(FROM + "RUN make a\n", run="engine")
    bench.build(FROM + change + "RUN make a\n", run="engine")
    assert [step.text for _image, step in script(bench).ran].count("RUN make a") == 2


def test_mounts_count_as_what_a_command_sees(bench: Bench) -> None:
    bench.cached = True
    bound = "RUN --mount=type=bind,from=a,source=C:/d,target=C:/m --mount=type=cache,target=C:/c make b\n"
    for made in ("d", "d", "e"):
        bench.build(f"FROM {FROM.split()[1]} AS a\nWORKDIR C:/d/{made}\n{FROM}{bound}", run="engine")
    first, second = (step for _image, step in script(bench).ran)
    assert [(one.kind, one.target, one.id) for one in first.mounts] == [
        ("bind", "C:\\m", ""), ("cache", "C:\\c", "C:\\c")]
    assert first.mounts[0].image is not None and second.mounts[0].image is not None
    assert first.mounts[0].image.diff_ids != second.mounts[0].image.diff_ids


@pytest.mark.parametrize(("line", "why"), [
    ("RUN --mount=type=bind,rw,target=C:\\x echo x", "is lost"),
    ("RUN --mount=type=cache echo x", "it needs a target"),
    ("RUN --mount=type=cache,source=d,target=C:\\x echo x", "a cache begins empty here")])
def test_a_mount_that_cannot_be_is_refused_before_anything_runs(bench: Bench, line: str, why: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        bench.build(FROM + "RUN make a\n" + line + "\n", run="engine")
    assert why in caught.value.why
    assert script(bench).ran == []


@pytest.mark.parametrize(("line", "why"), [
    ("RUN --network=host echo x", "--network=host is of Linux"),
    ("RUN --security=insecure echo x", "--security=insecure is of Linux")])
def test_what_no_container_of_windows_has_is_refused_before_anything_runs(bench: Bench, line: str, why: str) -> None:
    with pytest.raises(DockerfileError, match="RUN: cannot be executed") as caught:
        bench.build(FROM + "RUN make a\n" + line + "\n", run="engine")
    assert caught.value.why == why
    assert script(bench).ran == []


def test_scratch_holds_no_program(bench: Bench) -> None:
    with pytest.raises(DockerfileError, match="cannot be executed") as caught:
        bench.build("FROM scratch\nRUN echo\n", run="engine")
    assert caught.value.why == "scratch holds no program"


def test_without_a_way_the_plan_and_the_build_say_so(bench: Bench) -> None:
    plan = bench.plan(FROM + "RUN echo hi\n")
    assert [why for _stage, _step, why in plan.refused()] == ["nothing here executes it (--run none)"]
    with pytest.raises(DockerfileError, match="cannot be executed"):
        bench.build(FROM + "RUN echo hi\n")


def test_what_a_command_downloaded_is_known_of_the_cached_one_and_stands_in_the_provenance(bench: Bench) -> None:
    bench.cached = True
    script(bench).fetched = (Fetched("https://host/a?token=secret", "sha256:" + "a" * 64),)
    for _unused in range(2):
        built = bench.build(FROM + "RUN make a\n", run="engine")
        told = json.loads(statement(BuildRequest(run="engine"), built))
        found = told["predicate"]["buildDefinition"]["resolvedDependencies"]
        assert [one for one in found if "run" in one.get("annotations", {})] == [
            {"uri": "https://host/a?token=…", "digest": {"sha256": "a" * 64}, "annotations": {"run": "Dockerfile:2"}}]
    assert len(script(bench).ran) == 1


def test_a_cached_command_runs_again_where_its_runner_has_to_see_its_downloads(bench: Bench) -> None:
    bench.cached = True
    bench.build(FROM + "RUN make a\n", run="engine")
    script(bench).known = False
    for count, fetched in ((2, ()), (2, None)):
        script(bench).fetched = fetched
        bench.build(FROM + "RUN make a\n", run="engine")
        assert len(script(bench).ran) == count
