# SPDX-License-Identifier: Apache-2.0
"""Plans: what is needed, in which order, with which variables. Nothing is looked up and nothing is read."""

from __future__ import annotations

import pytest

from imagebuild.builder.plan.plan import (
    BaseFacts,
    Clone,
    Configure,
    Download,
    Execute,
    Files,
    Here,
    Inline,
    MakeFolder,
    Missing,
    OfImage,
    OfStage,
    Plan,
    Transfer,
    Wanted,
    describe,
)
from imagebuild.builder.plan.planner import make_plan, target_platform
from imagebuild.builder.request import BuildRequest
from imagebuild.dockerfile import parse
from imagebuild.errors import DockerfileError, UsageError
from imagebuild.oci import Config, Platform, RunConfig

WINDOWS = Platform("windows", "amd64")
LINUX = Platform("linux", "amd64")


def plan(text: str, *, run: RunConfig | None = None, path: str | None = None, **request: object) -> Plan:
    """Plan with every image found: its config has ``run``, its platform is the one asked for."""
    images: dict[Wanted, BaseFacts] = {}
    for _ in range(5):
        found = make_plan(parse(text.encode()), BuildRequest(**request), images)  # type: ignore[arg-type]
        if isinstance(found, Plan):
            return found
        for wanted in found.images:
            config = Config(os=wanted.platform.os, architecture=wanted.platform.architecture, run=run or RunConfig())
            images[wanted] = BaseFacts(config, lambda: path)
    raise AssertionError("still missing something")


def steps(text: str, **request: object) -> list[object]:
    return list(plan(text, **request).target().steps)  # type: ignore[arg-type]


def env(text: str, **request: object) -> tuple[str, ...]:
    return plan(text, **request).target().run.env  # type: ignore[arg-type]


def test_all_missing_bases_are_named_at_once() -> None:
    found = make_plan(parse(b"FROM a AS one\nFROM b\nCOPY --from=one /x /x\n"), BuildRequest(), {})
    assert isinstance(found, Missing)
    assert {wanted.name for wanted in found.images} == {"a", "b"}


def test_only_stages_that_are_needed_are_planned_in_the_order_they_run() -> None:
    found = plan("FROM a AS one\nFROM b AS unused\nRUN x\nFROM c AS two\nCOPY --from=one /x /x\nFROM two\n")
    assert [stage.index for stage in found.stages] == [0, 2, 3]
    assert found.target().base == OfStage(2)
    assert not found.runs()


def test_from_sees_only_global_args_and_the_platform_args() -> None:
    text = ("ARG V=1\nARG N=base:${V}\nFROM --platform=$BUILDPLATFORM x:$TARGETARCH AS l\n"
            "FROM ${N}\nCOPY --from=l /a /a\n")
    found = plan(text, build_args=(("V", "2"),))
    assert found.target().base == Wanted("base:2", WINDOWS)
    first = found.stages[0].base
    assert isinstance(first, Wanted) and first.name == "x:amd64" and first.platform.os == "linux"
    with pytest.raises(DockerfileError, match=r"\$\{X\} has no value"):
        plan("FROM a AS x\nARG X=1\nFROM ${X}\n")


def test_an_arg_counts_from_its_line_and_takes_global_defaults_by_name() -> None:
    assert env("ARG G=g\nFROM a\nENV A=${G}\nARG G\nENV B=${G}\n") == ("A=", "B=g")
    assert env("FROM a\nARG X=1\nENV A=$X\n", build_args=(("X", "2"),)) == ("A=2",)
    assert env("FROM a\nARG X\nENV A=${X:-none}\n") == ("A=none",)
    assert env("FROM a\nARG X=1 Y=${X}2\nENV A=$Y\n") == ("A=12",)
    assert env("FROM a\nENV X=env\nARG X=arg\nENV A=$X\n") == ("X=env", "A=arg")
    text = "FROM a\nARG TARGETOSVERSION\nENV A=$TARGETOSVERSION\n"
    assert env(text, os_version="10.0.20348.1") == ("A=10.0.20348.1",)


def test_a_stage_built_on_a_stage_sees_its_variables() -> None:
    assert env("FROM a AS one\nARG X=1\nENV Y=2\nFROM one\nENV Z=$X$Y\n") == ("Y=2", "Z=12")


def test_env_pairs_of_one_instruction_do_not_see_each_other() -> None:
    assert env("FROM a\nENV X=1 Y=$X\n") == ("X=1", "Y=")


def test_path_is_asked_of_the_base_only_when_nothing_else_set_it() -> None:
    assert env("FROM a\nENV PATH=x;${PATH}\n", path="C:\\W") == ("PATH=x;C:\\W",)
    assert env("FROM a\nENV PATH=1\nENV path=${Path};2\n", path="C:\\W") == ("path=1;2",)
    assert env("FROM a\nENV PATH=x;${PATH}\n", run=RunConfig(env=("Path=C:\\cfg",))) == ("PATH=x;C:\\cfg",)


def test_variables_without_a_value_and_arguments_without_a_use_are_noted() -> None:
    found = plan("FROM a\nENV X=$NOPE\nLABEL l=${ALSO}\n", build_args=(("U", "1"), ("HTTP_PROXY", "p")))
    assert [(note.code, note.line) for note in found.notes] == [
        ("undefined-variable", 2), ("undefined-variable", 3), ("unused-build-arg", 0)]
    assert "U" in found.notes[-1].text


def test_a_default_in_the_word_is_no_variable_without_a_value() -> None:
    found = plan("FROM ${NOPE:-a}\nENV X=${NOPE:-d} Y=${NOPE-d} Z=${NOPE:+d}\nARG B=${NOPE:-d}\n")
    assert not found.notes
    assert env("FROM ${NOPE:-a}\nENV X=${NOPE:-d} Y=${NOPE-d} Z=${NOPE:+d}\n") == ("X=d", "Y=d", "Z=")


def test_words_of_every_instruction_are_expanded_or_left_alone_as_buildkit_does() -> None:
    run = plan("FROM a\nARG V=v\nUSER $V\nWORKDIR /$V\nVOLUME [\"/$V\"]\nEXPOSE 80 $V1 90-91/udp\nSTOPSIGNAL $V\n"
               "LABEL $V=$V\nCMD [\"$V\"]\nENTRYPOINT echo $V\nHEALTHCHECK --retries=2 CMD x $V\nONBUILD RUN $V\n"
               "SHELL [\"$V\"]\n").target().run
    assert (run.user, run.working_dir, run.volumes, run.stop_signal) == ("v", "C:\\v", ("/v",), "v")
    assert run.exposed_ports == ("80/tcp", "90/udp", "91/udp")
    assert dict(run.labels) == {"v": "v"}
    assert run.cmd == ("$V",)
    assert run.entrypoint == ("cmd /S /C echo $V",)
    assert run.on_build == ("RUN $V",)
    assert run.shell == ("$V",)
    assert run.healthcheck is not None and run.healthcheck.test == ("CMD-SHELL", "x $V")


def test_the_shell_of_the_base_is_inherited() -> None:
    base = RunConfig(shell=("powershell", "-Command"))
    assert plan("FROM a\nCMD x\n", run=base).target().run.cmd == ("powershell -Command x",)
    text = "FROM a AS one\nSHELL [\"pwsh\"]\nFROM one\nCMD x\n"
    assert plan(text).target().run.cmd == ("pwsh x",)


@pytest.mark.parametrize(("written", "wanted"), [
    ("C:\\\\x", "C:\\x"), ("C:/x", "C:\\x"), ("/x", "C:\\x"), ("\\\\x", "C:\\x"), ("x", "C:\\w\\x"), ("..", "C:\\"),
    ("c:\\\\x y", "C:\\x y")])
def test_workdir_forms(written: str, wanted: str) -> None:
    found = steps(f"FROM a\nWORKDIR /w\nWORKDIR {written}\n")[1]
    assert isinstance(found, MakeFolder)
    assert found.run.working_dir == wanted


def test_another_drive_is_refused_with_the_line() -> None:
    with pytest.raises(DockerfileError, match="Dockerfile:2: WORKDIR: cannot use the path 'D:") as caught:
        plan("FROM a\nWORKDIR D:\\\\x\n")
    assert caught.value.line == 2


@pytest.mark.parametrize(("destination", "path", "into"), [
    ("C:", ("w",), True), ("C:\\\\", (), True), ("/x", ("x",), False), ("/x/", ("x",), True), (".", ("w",), True),
    ("./y", ("w", "y"), False), ("y\\\\", ("w", "y"), True), ("C:/a b", ("a b",), False)])
def test_destinations(destination: str, path: tuple[str, ...], into: bool) -> None:
    found = steps(f'FROM a\nWORKDIR /w\nCOPY ["f", "{destination.replace(chr(92), chr(92) * 2)}"]\n')[1]
    assert isinstance(found, Transfer)
    assert (found.destination, found.into) == (path, into)


def test_what_a_copy_takes_from_where() -> None:
    text = ("FROM a AS one\nFROM b\nCOPY x y /d/\nCOPY --from=one x /d\nCOPY --from=0 x /d\nCOPY --from=ONE x /d\n"
            "COPY --from=img:1 x /d\nCOPY --from=ctx x /d\nCOPY <<E /d\ntext\nE\n")
    found = [step.sources for step in steps(text, build_contexts=(("ctx", "some/dir"),))]  # type: ignore[attr-defined]
    assert found == [
        (Files(Here(), ("x", "y")),), (Files(OfStage(0), ("x",)),), (Files(OfStage(0), ("x",)),),
        (Files(OfStage(0), ("x",)),), (Files(OfImage(Wanted("img:1", WINDOWS)), ("x",)),),
        (Files(Here("some/dir"), ("x",)),), (Inline("E", b"text\n"),)]


def test_what_an_add_takes_from_where() -> None:
    digest = "sha256:" + "0" * 64
    text = ("FROM a\nADD x /d\nADD https://h/f.zip /d\n"
            f"ADD --checksum={digest} https://h/f.zip /d\nADD https://h/r.git#main /d\n"
            "ADD --keep-git-dir=true git@h:r.git /d\n")
    found = [step.sources for step in steps(text)]  # type: ignore[attr-defined]
    assert found == [
        (Files(Here(), ("x",)),), (Download("https://h/f.zip"),), (Download("https://h/f.zip", digest),),
        (Clone("https://h/r.git#main"),), (Clone("git@h:r.git", keep_git_dir=True),)]


@pytest.mark.parametrize(("line", "what"), [
    ("COPY https://h/f /d", "is an address"), ("COPY --from=7 x /d", "names no earlier stage"),
    ("COPY --chmod=755 x /d", "--chmod"), ("COPY --chown=joe x /d", "names no account"),
    ("VOLUME [\"$NOTHING\"]", "empty path"), ("EXPOSE http", "port"), ("COPY x D:/y", "D:/y"),
    ("ENV A=${X:?gone}", "gone")])
def test_what_cannot_be_is_said_with_file_line_and_instruction(line: str, what: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        plan(f"FROM a\n{line}\n")
    text = "\n".join(caught.value.lines())
    assert what in text
    assert text.startswith(f"Dockerfile:2: {line.split()[0]}: ")


def test_onbuild_triggers_run_before_the_stage_and_are_not_inherited() -> None:
    found = plan("FROM a\nENV B=2\n", run=RunConfig(on_build=("ENV A=1", "RUN x")))
    assert found.target().run.env == ("A=1", "B=2")
    assert found.target().run.on_build == ()
    assert [step.words for _, step in found.runs()] == [("cmd /S /C x",)]


@pytest.mark.parametrize("line", [
    'RUN setx /M PATH "%PATH%;C:/x"', "RUN [Environment]::SetEnvironmentVariable('Path', 'C:/x', 'Machine')"])
def test_a_path_in_the_registry_behind_one_of_an_env_is_noted(line: str) -> None:
    env = "ENV Path=C:/a\n"
    assert [note.code for note in plan(f"FROM a\n{env}{line}\n").notes] == ["path-of-env"]
    assert not plan(f"FROM a\n{line}\n").notes
    assert not plan(f"FROM a\n{env}RUN setx /M OTHER 1\nRUN echo %PATH%\n").notes


def test_mixed_command_forms_are_noted() -> None:
    assert "mixed-command-forms" in {note.code for note in plan("FROM a\nENTRYPOINT [\"x\"]\nCMD y\n").notes}
    assert not plan("FROM a\nENTRYPOINT [\"x\"]\nCMD [\"y\"]\n").notes


def test_the_platform_of_a_build_is_windows() -> None:
    assert target_platform(BuildRequest()) == WINDOWS
    assert target_platform(BuildRequest(platform="windows(10.0.20348.1)/arm64")) == Platform(
        "windows", "arm64", "10.0.20348.1")
    assert target_platform(BuildRequest(os_version="10.0.1.2")).os_version == "10.0.1.2"
    with pytest.raises(UsageError, match="cannot build for linux"):
        target_platform(BuildRequest(platform="linux/amd64"))


def test_run_has_a_way_and_steps_have_kinds() -> None:
    found = steps("FROM a\nRUN [\"x\", \"y\"]\nUSER u\n")
    assert isinstance(found[0], Execute) and (found[0].words, found[0].way) == (("x", "y"), "none")
    assert isinstance(found[1], Configure)


def test_what_is_missing_says_which_instruction_asks() -> None:
    found = make_plan(parse(b"\nFROM a\n"), BuildRequest(), {})
    assert isinstance(found, Missing)
    assert [(asking.keyword, asking.line) for asking in found.asked] == [("FROM", 2)]


def test_credentials_of_addresses_are_in_no_text_that_people_or_images_keep() -> None:
    found = steps("FROM base\nARG T\nADD https://me:s3cret@host/a?sig=s3cret C:/a\n"
                  "ADD https://me:${T}@host/a.git#main C:/b\n", build_args=(("T", "s3cret"),))[1:]
    assert [step.text for step in found] == [  # type: ignore[attr-defined]
        "ADD https://host/a?sig=… C:/a", "ADD https://host/a.git#main C:/b"]
    assert [step.sources[0].url for step in found] == [  # type: ignore[attr-defined]
        "https://me:s3cret@host/a?sig=s3cret", "https://me:s3cret@host/a.git#main"]
    assert "s3cret" not in " ".join(describe(step.sources[0]) for step in found)  # type: ignore[attr-defined]
    with pytest.raises(DockerfileError) as caught:
        steps("FROM base\nCOPY https://me:s3cret@host/a C:\\a\n")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("name", "value", "shown"), [
    ("API_TOKEN", "abc", "…"), ("NPM_AUTH", "abc", "…"), ("Password", "abc", "…"), ("KEYBOARD", "us", "us"),
    ("FEED", "https://me:s3cret@host/v3", "https://host/v3"), ("VERSION", "1.2", "1.2"),
])
def test_the_history_shows_no_secret_value_of_an_arg(name: str, value: str, shown: str) -> None:
    [step] = steps(f"FROM base\nARG {name}\n", build_args=((name, value),))
    assert step.text == f"ARG {name}={shown}"  # type: ignore[attr-defined]
    assert env(f"FROM base\nARG {name}\nENV V=${{{name}}}\n", build_args=((name, value),)) == (f"V={value}",)


@pytest.mark.parametrize("request_", [{"platform": "nonsense"}, {"platform": "windows/z80"}, {"os_version": "new"},
                                      {"platform": "windows(ltsc)/amd64"}, {"platform": "linux/amd64"}])
def test_what_is_no_windows_platform_is_refused(request_: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        target_platform(BuildRequest(**request_))  # type: ignore[arg-type]
