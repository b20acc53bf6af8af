# SPDX-License-Identifier: Apache-2.0
"""Our parser against BuildKit's own, from the PyPI package ``dockerfile``: same instructions, lines, flags and words.

Known differences, each tried below: the package returns instructions that do not exist, takes flags and arguments that
mean nothing, garbles flags beyond ASCII, and does not look into ONBUILD.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imagebuild.dockerfile import instructions as ours
from imagebuild.dockerfile import parse
from imagebuild.dockerfile.text.heredoc import heredoc_word
from imagebuild.errors import DockerfileError

buildkit = pytest.importorskip("dockerfile", reason="the PyPI package dockerfile is not installed")

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[4] / "shared"))
TWELVE = sorted((SHARED / "dockerfiles").glob("*/Dockerfile"))


def values(one: ours.Instruction) -> tuple[str, ...]:
    """The words of an instruction as the package lists them (FROM's in lower case, heredoc words left out)."""
    match one:
        case ours.OnBuild():
            return values(one.trigger)
        case ours.From():
            return (one.base.lower(), "as", one.name) if one.name else (one.base.lower(),)
        case ours.Arg():
            return tuple(arg.name if arg.default is None else f"{arg.name}={arg.default}" for arg in one.args)
        case ours.Env() | ours.Label():
            return tuple(part for pair in one.pairs for part in (pair.key, pair.value))
        case ours.Transfer():
            return (*one.sources, one.destination)
        case ours.HealthCheck():
            return ("NONE",) if one.none else ("CMD", *one.command)
        case ours.CommandLine() | ours.Shell():
            return one.command
        case ours.Expose():
            return one.ports
        case ours.Volume():
            return one.paths
    return (next(getattr(one, name) for name in ("path", "user", "signal", "name") if hasattr(one, name)),)


def flags(one: ours.Instruction) -> set[str]:
    """The flags of an instruction, from its typed fields."""
    given: dict[str, object] = {}
    match one:
        case ours.From():
            given = {"platform": one.platform}
        case ours.Run():
            given = {f"mount={mount.word}": True for mount in one.mounts} | {
                "network": one.network if one.network != "default" else "",
                "security": one.security if one.security != "sandbox" else ""}
        case ours.Transfer():
            given = {"chown": one.chown, "chmod": one.chmod, "link": one.link} | {
                f"exclude={text}": True for text in one.excludes}
            if isinstance(one, ours.Copy):
                given |= {"from": one.source_stage, "parents": one.parents}
            elif isinstance(one, ours.Add):
                given |= {"checksum": one.checksum, "keep-git-dir": one.keep_git_dir, "unpack": one.unpack}
    return {f"--{name}" if value is True else f"--{name}={str(value).lower() if value is False else value}"
            for name, value in given.items() if value or (value is False and name in ("keep-git-dir", "unpack"))}


def compare(text: str) -> None:
    found, theirs = parse(text.encode()).instructions, buildkit.parse_string(text)
    assert [one.keyword for one in found] == [their.cmd.upper() for their in theirs]
    for one, their in zip(found, theirs, strict=True):
        inner = one.trigger if isinstance(one, ours.OnBuild) else one
        where = (their.original, one)
        assert (one.line, one.end_line) == (their.start_line, their.end_line), where
        words = tuple(their.value)
        if isinstance(inner, ours.Transfer) and not inner.json:
            words = tuple(word for word in words if heredoc_word(word) is None)
        if isinstance(inner, ours.From):
            words = tuple(word.lower() for word in words)
        if isinstance(inner, ours.HealthCheck):
            words = (words[0].upper(), *words[1:])
        if isinstance(inner, ours.Volume):
            words = tuple(word.strip() for word in words)
        assert values(one) == words, where
        if one is not inner:
            assert their.sub_cmd.upper() == inner.keyword
            continue  # the package shows neither flags nor heredocs nor the JSON form of a trigger
        assert getattr(one, "json", isinstance(one, ours.Shell)) == their.json, where
        if not isinstance(one, ours.HealthCheck):
            assert flags(one) == set(their.flags), where
        docs = getattr(one, "heredocs", ()) or getattr(one, "inline", ())
        assert [(doc.name, doc.content, doc.descriptor) for doc in docs] == [
            (doc.name, doc.content, doc.file_descriptor) for doc in their.heredocs], where
        if not their.heredocs:
            assert one.text == their.original.strip(), where


@pytest.mark.parametrize("path", TWELVE or [None], ids=lambda path: path.parent.name if path else "none")
def test_the_twelve_real_files_read_the_same(path):
    if path is None:
        pytest.skip(f"{SHARED / 'dockerfiles'} is not there (set WCOW_SHARED)")
    text = path.read_bytes().decode()
    compare(text)
    assert parse(path.read_bytes()).warnings == ()
    compare(text.replace("\r\n", "\n").replace("\n", "\r\n"))


CORPUS = [
    "# escape=`\nFROM a\nCOPY a `\n  C:\\b\\\nRUN dir C:\\`\n && x\n",
    "# escape=`\n# syntax=a\nFROM a\nCMD a ` b\n",
    "# syntax=a\n\n# escape=`\nFROM a\nRUN x `\n",
    "\ufeffFROM a\r\nENV A=b \\\r\n  C=d\r\n",
    "FROM --platform=$BUILDPLATFORM a AS Build\nFROM build\n",
    "FROM a\nENV A b  c \"d\nENV E=\"f g\" H='i j' K=l\\ m N=\\\"\nENV T=\"a\\\"b c\"\n",
    "FROM a\nLABEL a=b c.d=\"e f\"\nLABEL maintainer some one\n",
    "FROM a\nARG A B=c D=\"e f\"\n",
    "FROM a\nCOPY --from=b [\"C:\\\\\\\\x y\", \"C:\\\\\\\\z\"]\n"
    "COPY [\"C:\\a\", \"b\"]\nADD --checksum=sha256:1 a b  c\n",
    "FROM a\nCOPY --exclude=a --exclude='b c' --link --chown=\"x y\" a\tb\n",
    "FROM a\nCOPY <<A <<-\"B\" <<'C' f d\n1\nA\n\t2\n\tB\n$X\nC\nRUN 3<<E cat\nx\nE\n",
    "FROM a\nRUN <<EOF\n# not a comment\n\nFROM b\nEOF\nRUN echo '<<EOF'\nRUN [\"<<EOF\"]\n",
    "FROM a\nRUN --mount=type=cache,target=x --network=none --security=insecure a\n",
    "FROM a\nRUN $x = 1; \\\n # comment\n\n  \\\n y \\\n",
    "FROM a\nCOPY a C:\\\\\nRUN dir C:\\\\\\\nUSER x\n",
    "FROM a\nCMD\nCMD []\nCMD [\"a\"]\nENTRYPOINT ['a']\nENTRYPOINT [\"C:\\a\"]\nSHELL [\"a\", \"b\"]\n",
    "FROM a\nHEALTHCHECK --interval=5s --retries=3 CMD [\"a\"]\nHEALTHCHECK CMD a  b\nhealthcheck none\n",
    "FROM a\nEXPOSE 80 443/udp 8000-8010\nVOLUME a b\nVOLUME [\"a b\", \"c\"]\n"
    "STOPSIGNAL 9\nUSER a b\nWORKDIR  C:/a b \n",
    "FROM a\nONBUILD RUN a b\nONBUILD COPY [\"a\", \"b\"]\nONBUILD ENV a b\nonbuild run <<E\nx\nE\nMAINTAINER a <b>\n",
    "FROM a\nENV ä=ö\nUSER ü\nRUN echo 漢字 \\\n 🐳\n",
    "\\\nFROM a\n  \\\n  \nUSER \\\n\n\n b\n",
    "from a\nrUn b",
]


@pytest.mark.parametrize("text", CORPUS)
def test_the_corpus_reads_the_same(text):
    compare(text)


@pytest.mark.parametrize("text", [
    "FROM a\nFOO b", "FROM a\n<<<<<<< HEAD", "RUN a\nFROM b", "FROM a\nENV --x=y a=b", "FROM a\nARG --x y",
    "FROM a b c d",
    "FROM a\nONBUILD FROM b", "FROM a\nONBUILD FOO", "FROM a\nCOPY --nope a b", "FROM a\nSHELL a", "FROM a\nCOPY a",
    "FROM a\nHEALTHCHECK WHAT x", "FROM a\nRUN --mount=type=nope x", "FROM a\nEXPOSE http", "ARG a",
])
def test_what_the_package_lets_through_is_refused(text):
    assert buildkit.parse_string(text)
    with pytest.raises(DockerfileError):
        parse(text.encode())


def test_flags_beyond_ascii_stay_whole():
    text = "FROM a\nCOPY --chown=Käthe a b"
    assert buildkit.parse_string(text)[1].flags != ("--chown=Käthe",)
    assert parse(text.encode()).instructions[1].chown == "Käthe"


WORD = st.text(alphabet=st.sampled_from("ab1./:\\$`-é"), min_size=1, max_size=6)
QUOTED = st.builds(lambda quote, text: quote + text + quote, st.sampled_from("'\""), st.text("ab \t$", max_size=5))
GAP = st.sampled_from([" ", "  ", "\t", " \\\n ", " \\\n# c\n  ", " \\\n\n"])
PLAIN_FLAG = st.sampled_from(["--from=x", "--chown=a:b", "--chmod=755", "--link", "--exclude=*.a", "--exclude='b c'"])


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*(st.tuples(GAP, part).map("".join) for part in parts)).map("".join)


def several(part: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(GAP, part).map("".join), min_size=least, max_size=4).map("".join)


PAIR = st.builds(lambda key, value: f"{key}={value}", st.text("abé", min_size=1, max_size=3), st.one_of(WORD, QUOTED))
JSON = st.lists(st.text(alphabet="ab \\\"é\t/", max_size=5), min_size=2, max_size=3).map(
    lambda items: "[" + ", ".join('"' + item.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
                                  for item in items) + "]")
HEREDOC = st.builds(lambda mark, body: f" <<{mark}A d\n{body}A", st.sampled_from(["", "-"]),
                    st.lists(st.sampled_from(["x\n", "\n", "\ty\n", "# z\n", "FROM a\n", " A\n",
                        "w\\\n"])).map("".join))
COMMAND = st.one_of(several(st.one_of(WORD, QUOTED)), st.tuples(GAP, JSON).map("".join))
INSTRUCTION = st.one_of(
    st.tuples(st.sampled_from(["RUN", "CMD", "ENTRYPOINT", "run"]), COMMAND).map("".join),
    st.tuples(st.just("HEALTHCHECK CMD"), COMMAND).map("".join),
    st.tuples(st.sampled_from(["ENV", "LABEL"]), several(PAIR)).map("".join),
    st.tuples(st.sampled_from(["ENV", "LABEL"]), joined(st.text("abc", min_size=1, max_size=3), WORD)).map("".join),
    st.tuples(st.just("ARG"), several(st.one_of(PAIR, st.text("abc", min_size=1, max_size=3)))).map("".join),
    st.tuples(st.just("COPY"), several(PLAIN_FLAG, 0), st.one_of(several(WORD, 2), joined(JSON))).map("".join),
    st.tuples(st.sampled_from(["COPY", "ADD", "RUN"]), HEREDOC).map("".join),
    st.tuples(st.sampled_from(["WORKDIR", "USER", "STOPSIGNAL", "VOLUME"]), several(WORD)).map("".join),
    st.tuples(st.just("ONBUILD RUN"), several(WORD)).map("".join),
    st.sampled_from(["", "# a comment \\", "  ", "EXPOSE 80 81/udp", "VOLUME [\"a\"]", "SHELL [\"a\"]", "FROM b AS C"]),
)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(["", "# escape=`\n", "# escape=\\\n", "\n# escape=`\n", "# Syntax=x\n# ESCAPE = `\n"]),
       st.lists(INSTRUCTION, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_generated_files_read_the_same(directive, lines, end):
    text = (directive + "FROM a\n" + "\n".join(lines) + "\n").replace("\n", end)
    try:
        parse(text.encode())
    except DockerfileError:
        assume(False)
    compare(text)
