# SPDX-License-Identifier: Apache-2.0
"""What error texts mean: signs, ranks, facts, and what is no sign."""

from __future__ import annotations

import io
import json
import os
import random
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.compat.failures.catalogue import Failure, Phrase, by_code, failure, failures
from imagebuild.compat.image import ImageFacts
from imagebuild.doctor import Explanation, explain, explain_stream
from imagebuild.doctor.logtext import BLOCK
from imagebuild.windows.facts.host import EngineFacts, HostFacts, WindowsVersion
from imagebuild.windows.status import hexadecimal, spellings

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[4] / "shared")) / "research" / "failures.json"
UNRELATED = Path(__file__).with_name("unrelated.txt").read_text(encoding="utf-8").splitlines()
PHRASES = [pytest.param(entry, phrase, id=f"{entry.id}-{number}") for entry in failures()
           for number, phrase in enumerate(entry.patterns)]
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)

#: What Windows might say around a code, as people in other countries see it.
LANGUAGES = {
    "pt": "{op}A operação não foi concluída porque o sistema devolveu um erro. ({code}) Informação adicional: nenhuma",
    "nl": "{op}De bewerking kan niet worden voltooid: het systeem meldt een fout. ({code})",
    "de": "{op}Der Vorgang konnte nicht abgeschlossen werden, weil ein Fehler auftrat. ({code}).",
    "ja": "{op}操作を完了できませんでした。エラーが発生しました。 ({code})",
}


def ids(found: Explanation) -> list[str]:
    return [cause.failure.id for cause in found.causes]


def first(text: str, host: HostFacts | None = None, image: ImageFacts | None = None) -> str:
    cause = explain(text, host, image).first
    return "" if cause is None else cause.failure.id


def surroundings(text: str) -> list[str]:
    """A text alone, in a record of dockerd's log, and in what the client prints."""
    escaped = text.replace('"', '\\"')
    return [text, f'time="2026-11-24T10:00:00.123456789Z" level=error msg="Handler returned error: {escaped}"',
            f"C:\\Program Files\\Docker\\docker.exe: Error response from daemon: {text}.\nSee 'docker run --help'."]


# what is recognised

def test_every_researched_sample_has_its_cause_first() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    for sample in json.loads(SHARED.read_bytes())["samples"]:
        assert first(sample["message"]) == sample["expect"], sample["message"]


@pytest.mark.parametrize(("entry", "phrase"), PHRASES)
def test_an_example_is_recognised_in_all_surroundings(entry: Failure, phrase: Phrase) -> None:
    for text in surroundings(phrase.example):
        found = explain(text)
        assert ids(found)[:1] == [entry.id], text
        assert found.first is not None
        assert found.first.matches[0].line in range(1, text.count("\n") + 2)


@settings(max_examples=8)
@given(st.data())
@pytest.mark.parametrize(("entry", "phrase"), PHRASES)
def test_whatever_a_phrase_allows_is_recognised_in_all_surroundings(entry: Failure, phrase: Phrase,
                                                                    data: st.DataObject) -> None:
    # What _plain undoes (colours, escaped quotes, runs of spaces) is not what a regex is about.
    text = data.draw(st.from_regex(phrase.pattern, fullmatch=True, alphabet=PRINTABLE)
                     .map(lambda text: " ".join(text.split())).filter(lambda text: '\\"' not in text)
                     .filter(lambda text: phrase.pattern.search(text) is not None))
    for around in surroundings(text):
        assert entry.id in ids(explain(around)), around


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("entry", [entry for entry in failures() if entry.codes], ids=lambda entry: entry.id)
def test_a_code_is_enough_in_any_form_and_language(entry: Failure, language: str) -> None:
    for code in entry.codes:
        alone = entry.tells_alone(code)
        operation = "" if alone else f"{entry.operations[0]} 0123456789abcdef: "
        likeliest = next(other for other in by_code(code) if (alone and other.tells_alone(code)) or
                         (not alone and set(other.operations) & set(entry.operations[:1])))
        for written in spellings(code):
            found = explain(LANGUAGES[language].format(op=operation, code=written))
            assert entry.id in ids(found), written
            assert ids(found)[0] == likeliest.id, written
            match = next(cause for cause in found.causes if cause.failure is entry).matches[0]
            assert (match.line, match.way, match.what) == (1, "code", written)


def test_an_engine_speaks_english_where_windows_does_not() -> None:
    assert first("error during connect: Get \"http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.40/info\": open "
                 "//./pipe/docker_engine: O sistema não pode encontrar o arquivo especificado.") == "pipe-missing"
    assert first("failed to create endpoint RestMongo on network nat: hnsCall failed in Win32: O arquivo já está "
                 "sendo usado por outro processo. (0x20).") == "hns-port-in-use"


# rows of failures that people ask about

ROWS = {
    "Docker Toolbox: a Linux server where a Windows one is wanted": (
        "toolbox-linux-server",
        "Client:\n Version:      17.06.0-ce\n API version:  1.30\n OS/Arch:      windows/amd64\n\n"
        "Server:\n Version:      17.06.0-ce\n API version:  1.30 (minimum version 1.12)\n Go version:   "
        "go1.8.3\n OS/Arch:      linux/amd64\n Experimental: false\n"),
    "boot2docker in docker info": (
        "toolbox-linux-server",
        " Kernel Version: 4.4.89-boot2docker\n Operating System: Boot2Docker 17.10.0-ce (TCL 7.2)\n "
        "OSType: linux\n"),
    "Docker for Windows inside VirtualBox": (
        "db-exit-1",
        "Unable to write to the database. Exit code: 1\n   at "
        "Docker.Backend.Database.WriteFile(String key, String file)\n   at "
        "Docker.Backend.ContainerEngine.Linux.DoStart(Settings settings)\n   at "
        "Docker.Core.Pipe.NamedPipeServer.<>c__DisplayClass8_0.<Register>b__0(Object[] "
        "parameters)\n   at Docker.Core.Pipe.NamedPipeServer.RunAction(String action, Object[] "
        "parameters)\n"),
    "the pipe, as old clients say it": (
        "pipe-missing",
        "error during connect: Get http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.39/version: open "
        "//./pipe/docker_engine: The system cannot find the file specified. In the default daemon "
        "configuration on Windows, the docker client must be run elevated to connect. This error may "
        "also indicate that the docker daemon is not running."),
    "the pipe, as new clients say it": (
        "pipe-missing",
        "failed to connect to the docker API at npipe:////./pipe/dockerDesktopLinuxEngine; check if "
        "the path is correct and if the daemon is running: open //./pipe/dockerDesktopLinuxEngine: "
        "The system cannot find the file specified."),
    "the pipe without rights, as new clients say it": (
        "pipe-denied",
        "permission denied while trying to connect to the docker API at "
        "npipe:////./pipe/docker_engine"),
    "nested virtualisation missing": (
        "nested-missing",
        "Failed to start the virtual machine 'MobyLinuxVM' because one of the Hyper-V components is "
        "not running."),
    "nested virtualisation unsupported": (
        "nested-unsupported",
        "Install-WindowsFeature : A prerequisite check for the Hyper-V feature failed.\n"
        "1. Hyper-V cannot be installed: A hypervisor is already running."),
    "Hyper-V isolation in a virtual machine": (
        "hyperv-not-installed",
        "hcsshim::CreateComputeSystem 0123456789ab: The virtual machine could not be started because "
        "a required feature is not installed. (0xc0370102)"),
    "Windows older than 1511": (
        "desktop-windows-too-old",
        "Docker for Windows requires Windows 10 Pro or Enterprise version 10586, or Windows server "
        "2016 RTM to run"),
    "Windows older than 1607": (
        "windows-containers-need-1607",
        "Windows containers support requires a Windows 10 build >=14372"),
    "Windows older than 14393": (
        "host-too-old",
        "The docker daemon requires build 14393 or later of Windows Server 2016 or Windows 10"),
    "a Windows image on Linux: Retrying": (
        "layer-retrying",
        "latest: Pulling from microsoft/iis\n"
        "9c7f9c7d9bc2: Retrying in 1 second\n"
        "de5064718b3f: Downloading"),
    "a Windows image on Linux: unknown blob": (
        "unknown-blob",
        "9c7f9c7d9bc2: Downloading\n"
        "docker: unknown blob.\n"
        "See 'docker run --help'."),
    "a Windows image on Linux: operating system": (
        "image-os-not-usable",
        'image operating system "windows" cannot be used on this platform'),
    "a Windows image on Linux: manifest": (
        "linux-engine-no-manifest",
        "3.6.3-windowsservercore: Pulling from library/python\n"
        "no matching manifest for linux/amd64 in the manifest list entries"),
    "a client that is too new": (
        "client-too-new",
        "Error response from daemon: client is newer than server (client API version: 1.25, server "
        "API version: 1.24)"),
    "a client that is too old": (
        "client-too-old",
        "Error response from daemon: client version 1.24 is too old. Minimum supported API version "
        "is 1.44, please upgrade your client to a newer version"),
    "process isolation on a client": (
        "client-process-unsupported",
        "Windows client operating systems earlier than version 1809 can only run Hyper-V containers"),
    "Hyper-V isolation on a server, misspelt": (
        "isolation-value",
        "invalid --isolation: \"hyper-v\". Windows supports 'default', 'process', or 'hyperv'"),
    "isolation on Linux": (
        "isolation-on-linux",
        "invalid --isolation: \"hyperv\" - linux only supports 'default'"),
    "an image that is newer than the host": (
        "image-newer-than-host",
        "1709: Pulling from microsoft/nanoserver\n"
        "a Windows version 10.0.16299-based image is incompatible with a 10.0.14393 host"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_its_cause_first(row: str) -> None:
    name, text = ROWS[row]
    assert first(text) == name
    assert first(text.replace("\n", "\r\n")) == name


# facts move causes

SKEW = "hcs::System::Start: failure in a Windows system call: Afsluttede uventet. (0xc0370106)"
MISMATCH = "hcsshim::CreateComputeSystem 0123456789ab: (0xc0370101)"


def on(version: str, **more: object) -> HostFacts:
    return HostFacts(WindowsVersion.parse(version), **more)  # type: ignore[arg-type]


def of(version: str = "", architecture: str = "", **more: object) -> ImageFacts:
    return ImageFacts("windows", architecture, version, **more)  # type: ignore[arg-type]


def test_without_facts_the_commonest_comes_first_and_the_others_follow() -> None:
    assert ids(explain(SKEW)) == ["ubr-skew", "arm64-amd64", "start-memory"]
    assert ids(explain(MISMATCH)) == ["os-mismatch", "arm64-amd64"]


def test_another_architecture_comes_first() -> None:
    for text in (SKEW, MISMATCH):
        found = explain(text, on("10.0.26100.2894", architecture="arm64"), of("10.0.26100.3194", "amd64"))
        assert ids(found)[0] == "arm64-amd64"
        assert found.first is not None
        assert found.first.confidence == "high"
        assert [fact.sentence for fact in found.first.evidence] == ["the image is for amd64, the host is arm64"]
        assert ids(explain(text, on("10.0.26100.1", architecture="amd64"), of("", "amd64")))[-1] == "arm64-amd64"


def test_a_revision_above_the_host_comes_first_and_an_equal_one_last() -> None:
    assert ids(explain(SKEW, on("10.0.26100.2894"), of("10.0.26100.3194")))[0] == "ubr-skew"
    equal = explain(SKEW, on("10.0.26100.3194"), of("10.0.26100.3194"))
    assert ids(equal)[-1] == "ubr-skew"
    assert equal.causes[-1].confidence == "low"


def test_a_build_that_fits_makes_a_mismatch_unlikely() -> None:
    refuted = explain(MISMATCH, on("10.0.20348.1"), of("10.0.20348.1"))
    assert ids(refuted) == ["arm64-amd64", "os-mismatch"]
    assert ids(explain(MISMATCH, on("10.0.20348.1"), of("10.0.17763.1"))) == ["os-mismatch", "arm64-amd64"]


def test_the_engines_system_tells_a_foreign_layer_from_the_network() -> None:
    text = "9c7f9c7d9bc2: Retrying in 1 second"
    linux = explain(text, HostFacts(os="", engine=EngineFacts(os="linux"))).first
    windows = explain(text, HostFacts(engine=EngineFacts(os="windows"))).first
    assert linux is not None
    assert windows is not None
    assert (linux.confidence, windows.confidence) == ("medium", "low")
    assert linux.score > windows.score


def test_what_a_message_says_is_known_of_host_and_image() -> None:
    found = explain("a Windows version 10.0.20348-based image is incompatible with a 10.0.17763 host")
    assert found.first is not None
    assert [fact.sentence for fact in found.first.evidence] == ["the image's build 20348 is above the host's 17763"]
    assert [said.kind for said in found.said] == ["image-newer-than-host"]
    other = explain("a Windows version 10.0.20348-based image is incompatible with a 10.0.17763 host", on("10.0.26100"))
    assert other.first is not None
    assert not other.first.evidence[0].speaks_for, "who knows the host is believed"


# what counts more

def test_a_code_counts_more_than_words_and_several_signs_more_than_one() -> None:
    both = explain("No hypervisor is present on this system. (0xc0351000)").first
    code, words = explain("(0xc0351000)").first, explain("No hypervisor is present on this system").first
    assert both is not None
    assert code is not None
    assert words is not None
    assert both.failure is code.failure is words.failure
    assert both.score > code.score > words.score
    assert (both.ways, code.ways, words.ways) == ({"code", "windows"}, {"code"}, {"windows"})
    assert (both.confidence, words.confidence) == ("high", "medium")


def test_an_operation_alone_is_worth_little_and_never_stands_beside_a_reason() -> None:
    found = explain("hcsshim::PrepareLayer failed in Win32: texto traduzido")
    assert ids(found) == ["preparelayer-timeout", "preparelayer-function", "preparelayer-param"]
    assert {cause.confidence for cause in found.causes} == {"low"}
    assert ids(explain("hcsshim::PrepareLayer failed in Win32: texto (0x57)")) == ["preparelayer-param"]


def test_order_of_ways_is_code_operation_engine_english() -> None:
    text = "\n".join(["No hypervisor is present on this system", "docker: unknown blob.",
                      "hcsshim::ExportLayer failed in Win32: texto", "(0xc0370113)"])
    assert ids(explain(text)) == ["insider-required", "exportlayer", "unknown-blob", "no-hypervisor"]


# what is no sign

def test_there_are_enough_unrelated_lines() -> None:
    assert len(set(UNRELATED)) >= 200


@pytest.mark.parametrize("line", UNRELATED)
def test_an_unrelated_line_has_no_cause(line: str) -> None:
    found = explain(line)
    assert ids(found) == []
    assert found.unknown.startswith("unknown, because ")


def test_unrelated_lines_have_no_cause_together_in_any_order_and_one_among_them_is_found() -> None:
    chance = random.Random(1)
    for _ in range(20):
        lines = UNRELATED * 2
        chance.shuffle(lines)
        assert ids(explain("\n".join(lines))) == []
    for entry in failures():
        if entry.patterns:
            lines = [*UNRELATED, entry.patterns[0].example, *UNRELATED]
            found = explain("\n".join(lines))
            assert ids(found) == [entry.id]
            assert found.causes[0].matches[0].line > len(UNRELATED)


@pytest.mark.parametrize(("text", "why"), [
    ("", "there is no text"), (" \n\t\n", "there is no text"), ("\0\0", "there is no text"),
    ("hello", "the text has no code, operation or message that the catalogue knows"),
    ("hello\nworld", "no line has a code, operation or message that the catalogue knows"),
    ("Access is denied. (0x80070005)", "0x80070005 says nothing without the operation that failed: give the whole "
                                       "message, and the lines before it"),
    ("failed (0xC037010D)", "the catalogue has no cause for 0x8037010d"),
])
def test_the_unknown_has_a_reason(text: str, why: str) -> None:
    assert explain(text).unknown == f"unknown, because {why}"


def test_a_code_with_a_name_is_named_though_it_has_no_cause() -> None:
    assert [status.name for status in explain("failed (0xC037010D)").codes] == ["HCS_E_INVALID_JSON"]
    assert [hexadecimal(status.code) for status in explain("0x803b0009 and (0xc0370101)").codes] == ["0x803b0009"]


# texts and logs of any kind

@given(st.text(max_size=400), st.sampled_from([None, on("10.0.20348.1")]))
def test_any_text_is_explained_or_unknown(text: str, host: HostFacts | None) -> None:
    found = explain(text, host)
    assert bool(found.causes) != bool(found.unknown)


@given(st.binary(max_size=4000))
def test_any_bytes_are_explained_or_unknown(data: bytes) -> None:
    found = explain_stream(io.BytesIO(data))
    assert bool(found.causes) != bool(found.unknown)


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("glue", ["\n", "\r\n", "\n    "])
def test_what_a_terminal_broke_is_put_together_again(width: int, glue: str) -> None:
    text = ROWS["the pipe, as old clients say it"][1].replace("In the default daemon configuration on Windows, ", "")
    broken = glue.join(text[start:start + width] for start in range(0, len(text), width))
    assert first("PS C:\\> docker version\n" + broken) == "pipe-missing"
    text = "container 0123 encountered an error during CreateContainer: " + "x" * 30 + " Access is denied. (0x5)"
    broken = glue.join(text[start:start + width] for start in range(0, len(text), width))
    found = explain("$ docker start web\n" + broken)
    assert ids(found)[:1] == ["compute-access-denied"]
    assert found.causes[0].matches[0].line == 2


def test_what_was_wrapped_between_words_is_put_together_again() -> None:
    text = ROWS["the pipe, as new clients say it"][1]
    for width in (50, 70, 90):
        assert first(textwrap.fill(text, width)) == "pipe-missing"
        assert first("[10:00:00] one\n[10:00:01] two\n" + textwrap.fill(text, 45)) == "", "a log, and what is in it"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_logs_come_in_many_encodings(encoding: str) -> None:
    text = "eins\r\nzwei\r\n" + LANGUAGES["de"].format(op="", code="0xc0370101") + "\r\n" + LANGUAGES["ja"].format(
        op="", code="0xc0351000") + "\r\n"
    found = explain_stream(io.BytesIO(text.encode(encoding)))
    assert {cause.failure.id: cause.matches[0].line for cause in found.causes} == {
        "os-mismatch": 3, "arm64-amd64": 3, "no-hypervisor": 4}
    assert "konnte nicht" in found.causes[0].matches[0].text
    assert found.lines == 4


def test_rubbish_between_lines_hides_nothing() -> None:
    chance = random.Random(2)
    data = b"\n".join([chance.randbytes(500), b"\xff\xfedocker: unknown blob.\xc3\x28", chance.randbytes(9000)])
    assert "unknown-blob" in ids(explain_stream(io.BytesIO(b"log\n" * 2000 + data)))


def test_repeats_are_counted_and_the_first_lines_kept() -> None:
    line = b"time=x level=error msg=\"open //./pipe/docker_engine: Access is denied.\"\n"
    found = explain_stream(io.BytesIO((b"filler of a log\n" * 9 + line) * 20_000))
    assert found.first is not None
    assert (found.first.count, found.lines) == (20_000, 200_000)
    assert [match.line for match in found.first.matches] == [10, 20, 30]


@pytest.mark.parametrize("before", [*range(BLOCK - 60, BLOCK + 3, 7), BLOCK * 2 - 40])
def test_nothing_is_missed_or_counted_twice_at_the_seam_of_blocks(before: int) -> None:
    line = b"hcsshim::PrepareLayer failed in Win32: texto\n   mais texto (0x5b4)\n"
    filler = (b"x" * 63 + b"\n") * (before // 64) + b"y" * (before % 64) + b"\n"
    found = explain_stream(io.BytesIO(filler + line + b"z\n" * 50))
    assert found.first is not None
    assert (ids(found)[0], found.first.count) == ("preparelayer-timeout", 1)
    assert found.first.matches[0].line == filler.count(b"\n") + 1
    assert found.lines == filler.count(b"\n") + 52


def test_a_stream_that_fails_says_so() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        explain_stream(Broken())


def test_a_cause_knows_its_entry() -> None:
    cause = explain("docker: unknown blob.").first
    assert cause is not None
    assert cause.failure is failure("unknown-blob")
    assert cause.matches[0].text == "docker: unknown blob."


@pytest.mark.parametrize("text", [
    "hcsshim::PrepareLayer failed in Win32: The parameter is incorrect. (0x57)",
    "hcsshim::PrepareLayer - failed failed in Win32: Incorrect function. (0x1)",
    "failed to register layer: ProcessBaseLayer C:\\x: The system cannot find the path specified. (0x3)",
    "hcsshim::System::Start: The virtual machine or container exited unexpectedly. (0xc0370106)",
    "hcsshim::ImportLayer failed in Win32: The system cannot find the path specified. (0x3)"])
def test_a_cause_that_no_fact_decides_is_never_sure(text: str) -> None:
    found = explain(text)
    assert found.first is not None
    assert found.first.confidence != "high"


def test_an_image_for_linux_on_windows_is_named_where_the_image_says_so() -> None:
    text = "ProcessBaseLayer \\\\?\\C:\\ProgramData\\docker\\tmp: The system cannot find the path specified. (0x3)"
    host = HostFacts(os="windows", engine=EngineFacts(os="windows"))
    known = explain(text, host, ImageFacts(os="linux")).first
    assert known is not None
    assert (known.failure.id, known.confidence) == ("processbaselayer", "high")
    assert "for Linux" in known.failure.cause
    engine = explain(text, host, ImageFacts(os="windows")).first
    assert engine is not None
    assert engine.confidence == "low"


@pytest.mark.parametrize(("text", "others"), [
    ("hcsshim::PrepareLayer failed in Win32: The parameter is incorrect. (0x57)", ("storage-opt", "not NTFS")),
    ('failed to extract layer sha256:1f to windows as "extract-1": hcsshim::ProcessBaseLayer C:\\x: '
     "The system cannot find the path specified.", ("for Linux", "damaged"))])
def test_a_text_that_has_several_causes_names_them_and_is_sure_of_none(text: str, others: tuple[str, ...]) -> None:
    found = explain(text).first
    assert found is not None and found.confidence != "high"
    assert all(one in found.failure.cause for one in others), found.failure.cause
