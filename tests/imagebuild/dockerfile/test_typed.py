# SPDX-License-Identifier: Apache-2.0
"""Each instruction as a value, and what each refuses."""

from __future__ import annotations

import pytest

from imagebuild.dockerfile import parse
from imagebuild.dockerfile.instructions import (
    Add,
    Arg,
    ArgName,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    HealthCheck,
    Label,
    Maintainer,
    Pair,
    Run,
    Shell,
    StopSignal,
    User,
    Volume,
    Workdir,
)
from imagebuild.dockerfile.mounts import MountType
from imagebuild.dockerfile.text.heredoc import Heredoc
from imagebuild.errors import DockerfileError


def one(text: str):
    return parse(("FROM base\n" + text).encode()).instructions[1]


def place(text: str):
    return one(text).place


def test_from():
    found = parse(b"FROM --platform=windows(10.0.20348.1)/amd64 a:1 As App.1\n").instructions[0]
    assert isinstance(found, From)
    assert (found.base, found.name, found.platform) == ("a:1", "app.1", "windows(10.0.20348.1)/amd64")
    assert found.target() is not None and found.target().os_version == "10.0.20348.1"
    plain = parse(b"from a@sha256:12").instructions[0]
    assert plain == From(plain.place, "a@sha256:12")
    assert plain.target() is None


def test_arg():
    text = 'ARG A B= C="x y" D=a=b'
    assert one(text) == Arg(place(text), (ArgName("A"), ArgName("B", ""), ArgName("C", '"x y"'), ArgName("D", "a=b")))


def test_env_in_both_forms():
    text = 'ENV A=b C="d e" F=g\\ h'
    assert one(text) == Env(place(text), (Pair("A", "b"), Pair("C", '"d e"'), Pair("F", "g\\ h")))
    text = "ENV A  b = c"
    assert one(text) == Env(place(text), (Pair("A", "b = c", old_form=True),))


def test_label():
    text = 'LABEL "a b"=c d.e=""'
    assert one(text) == Label(place(text), (Pair('"a b"', "c"), Pair("d.e", '""')))


def test_copy():
    text = ("COPY --from=x --chown=Users --chmod=755 --link --parents --exclude=*.a --exclude=b one two C:/d/")
    assert one(text) == Copy(place(text), ("one", "two"), "C:/d/", (), "Users", "755", True, ("*.a",
        "b"), False, "x", True)
    text = "COPY a b"
    assert one(text) == Copy(place(text), ("a",), "b")


def test_json_copy_keeps_its_words_for_expansion():
    text = r'COPY ["C:\\\\Program Files\\\\Go", "C:\\\\Go dir\\\\"]'
    assert one(text) == Copy(place(text), (r"C:\\Program Files\\Go",), r"C:\\Go dir\\", json=True)


def test_add():
    text = "ADD --checksum=sha256:1 --keep-git-dir --unpack=false https://x/y ."
    assert one(text) == Add(place(text), ("https://x/y",), ".", checksum="sha256:1", keep_git_dir=True, unpack=False)
    plain = one("ADD a b")
    assert (plain.keep_git_dir, plain.unpack) == (None, None)


def test_copy_takes_heredocs_beside_files():
    text = "COPY <<A <<-'B' file dest\n1\nA\n\t2\n\tB"
    found = one(text)
    assert found.sources == ("file",)
    assert found.inline == (Heredoc("A", "1\n"), Heredoc("B", "\t2\n", expand=False, chomp=True))
    assert (found.line, found.end_line, found.text) == (2, 6, "COPY <<A <<-'B' file dest")
    assert found.place.source == text


def test_run():
    text = "RUN --mount=type=cache,target=x --mount=type=secret,id=y --network=none --security=insecure cmd /c a"
    found = one(text)
    assert isinstance(found, Run)
    assert [mount.type for mount in found.mounts] == [MountType.CACHE, MountType.SECRET]
    assert (found.command, found.json, found.network, found.security) == (("cmd /c a",), False, "none", "insecure")
    assert one('RUN ["a", "b"]') == Run(place('RUN ["a", "b"]'), ("a", "b"), True)


@pytest.mark.parametrize("text, script", [
    ("RUN a b", "a b"),
    ('RUN ["a"]', ""),
    ("RUN <<EOF\na\nb\nEOF", "a\nb\n"),
    ("RUN <<-EOF\n\ta\n\tEOF", "a\n"),
    ("RUN cat <<A <<B\n1\nA\n2\nB", "cat <<A <<B\n1\nA\n2\nB"),
])
def test_a_run_knows_what_its_shell_gets(text, script):
    assert one(text).script == script


def test_commands_in_both_forms():
    assert one("CMD a b") == Cmd(place("CMD a b"), ("a b",))
    assert one('CMD [ "a" ]') == Cmd(place('CMD [ "a" ]'), ("a",), True)
    assert one("CMD []") == Cmd(place("CMD []"), (), True)
    assert one("CMD") == Cmd(place("CMD"), ())
    assert one('entrypoint ["a"]') == Entrypoint(place('entrypoint ["a"]'), ("a",), True)
    assert one('SHELL ["a", "-c"]') == Shell(place('SHELL ["a", "-c"]'), ("a", "-c"))


def test_healthcheck():
    text = "HEALTHCHECK --interval=1m --timeout=3s --start-period=2s --start-interval=1ms --retries=4 CMD a b"
    assert one(text) == HealthCheck(place(text), ("a b",), False, False, 60 * 10**9, 3 * 10**9, 2 * 10**9, 10**6, 4)
    assert one('HEALTHCHECK cmd ["a"]') == HealthCheck(place('HEALTHCHECK cmd ["a"]'), ("a",), True)
    assert one("HEALTHCHECK none") == HealthCheck(place("HEALTHCHECK none"), (), none=True)


def test_the_small_ones():
    assert one("WORKDIR C:\\Program Files") == Workdir(place("WORKDIR C:\\Program Files"), "C:\\Program Files")
    assert one("USER a b") == User(place("USER a b"), "a b")
    assert one("EXPOSE 80 $P 8000-8010/udp") == Expose(place("EXPOSE 80 $P 8000-8010/udp"), ("80", "$P",
        "8000-8010/udp"))
    assert one("VOLUME a  b") == Volume(place("VOLUME a  b"), ("a", "b"))
    assert one('VOLUME [" a b "]') == Volume(place('VOLUME [" a b "]'), ("a b",), True)
    assert one("STOPSIGNAL SIGTERM") == StopSignal(place("STOPSIGNAL SIGTERM"), "SIGTERM")
    assert one("MAINTAINER a <b>") == Maintainer(place("MAINTAINER a <b>"), "a <b>")


def test_onbuild_checks_its_trigger_and_keeps_its_text():
    found = one("OnBuild  COPY <<A \\\n b\nx\nA\n")
    assert found.expression == "COPY <<A  b\nx\nA"
    assert found.trigger.inline == (Heredoc("A", "x\n"),)
    assert (found.line, found.end_line) == (2, 5)


@pytest.mark.parametrize("text, said", [
    ("FROM", "FROM takes an image"), ("FROM a b", "found 2 words"), ("FROM a to b", "FROM takes"),
    ("FROM a AS 1b", "cannot name a stage"), ("FROM a AS b/c", "cannot name a stage"),
    ("FROM --platform=a/b/c/d x", "not a platform"), ("FROM --x=y a", "unknown flag --x"),
    ("ARG", "needs an argument"), ("ARG =a", "blank"),
    ("ENV", "needs an argument"), ("ENV A", "has no value"), ("ENV A=b C", "has no ="), ("ENV =b", "blank"),
    ("LABEL a", "has no value"),
    ("COPY a", "source and a destination"), ("COPY", "source and a destination"), ('COPY ["a"]', "source and a dest"),
    ("COPY --from=$X a b", "not expanded in --from"), ("COPY a <<EOF\nEOF", "cannot be the destination"),
    ("COPY << EOF b\nEOF", "space between <<"), ("COPY <<EOF 'a b", "has no content"), ("COPY [1]", "JSON"),
    ('COPY ["a", 1]', "list of strings"),
    ("RUN", "needs a command"), ("RUN []", "needs a command"), ("RUN --network=x a", "not a network"),
    ("RUN --security=x a", "not a security"), ("RUN --mount=type=x a", "--mount=type=x"),
    ("SHELL cmd /S", "JSON"), ("SHELL []", "JSON"), (r'SHELL ["C:\a"]', "every backslash doubled"),
    ("HEALTHCHECK", "CMD or NONE"), ("HEALTHCHECK CMD", "needs a command"), ("HEALTHCHECK NONE x", "no arguments"),
    ("HEALTHCHECK CDM x", "did you mean CMD?"), ("HEALTHCHECK --interval=1 CMD x", "not a duration"),
    ("HEALTHCHECK --interval=1us CMD x", "too short"), ("HEALTHCHECK --interval=-1s CMD x", "too short"),
    ("HEALTHCHECK --retries=-1 CMD x", "not a count"), ("HEALTHCHECK --retries=x CMD x", "not a count"),
    ("WORKDIR", "needs an argument"), ("USER", "needs an argument"), ("EXPOSE", "needs an argument"),
    ("EXPOSE http", "not a port"), ("VOLUME", "needs an argument"), ('VOLUME [""]', "cannot be empty"),
    ("STOPSIGNAL", "needs an argument"), ("STOPSIGNAL --x y", "it takes no flags"), ("MAINTAINER", "needs an argument"),
    ("ONBUILD", "needs an instruction"), ("ONBUILD ONBUILD RUN a", "do not nest"), ("ONBUILD FROM a", "begin a stage"),
    ("ONBUILD MAINTAINER a", "maintainer"), ("ONBUILD COYP a b", "did you mean COPY?"), ("ONBUILD COPY a",
        "destination"),
    ("ONBUILD --x RUN a", "it takes no flags"),
])
def test_each_refuses_what_it_cannot_mean(text, said):
    with pytest.raises(DockerfileError) as caught:
        one(text)
    assert said in " | ".join(caught.value.lines())
    assert caught.value.line == 2
    assert caught.value.instruction == text.split()[0].upper()
