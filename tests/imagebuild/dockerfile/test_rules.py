# SPDX-License-Identifier: Apache-2.0
"""Which words are expanded, and how."""

from __future__ import annotations

import pytest

from imagebuild.dockerfile import expand_instruction, parse
from imagebuild.dockerfile.instructions import INSTRUCTIONS, Arg, Copy, Pair
from imagebuild.dockerfile.mounts import MountType
from imagebuild.dockerfile.rules import EXPANDED, How, Scope
from imagebuild.errors import DockerfileError

ENV = {"X": "val", "D": "C:\\dir", "P": "80 81", "T": "cache"}


def expanded(text: str, directive: str = ""):
    return expand_instruction(parse(f"{directive}FROM base\n{text}".encode()).instructions[1], ENV.get)


@pytest.mark.parametrize("text, fields", [
    ("ENV A=$X B='$X' C=\"$X y\"", {"pairs": (Pair("A", "val"), Pair("B", "$X"), Pair("C", "val y"))}),
    ("ENV A $X \"y\"  z", {"pairs": (Pair("A", "val y  z", old_form=True),)}),
    ("ENV $X=$D", {"pairs": (Pair("val", "C:\\dir"),)}),
    ("ENV PATH=C:\\\\a;\"C:\\b\";${PATH}", {"pairs": (Pair("PATH", "C:\\a;C:\\b;"),)}),
    ("LABEL a.b=\"$X\"", {"pairs": (Pair("a.b", "val"),)}),
    ("COPY --chown=$X --chmod=$X --exclude=$X a$X '$X' $D/", {
        "chown": "val", "chmod": "val", "excludes": ("$X",), "sources": ("aval", "$X"), "destination": "C:\\dir/"}),
    (r'COPY ["C:\\\\Program Files\\\\Go", "$D\\\\"]',
     {"sources": (r"C:\Program Files\Go",), "destination": "C:\\dir\\"}),
    ("ADD --checksum=$X a $X", {"checksum": "val", "destination": "val"}),
    ("WORKDIR $D\\\\a b", {"path": "C:\\dir\\a b"}),
    ("USER $X", {"user": "val"}),
    ("VOLUME $D b", {"paths": ("C:\\dir", "b")}),
    ("EXPOSE $P 90/$U \"$P\"", {"ports": ("80", "81", "90/", "80 81")}),
    ("STOPSIGNAL $X", {"signal": "val"}),
    ("CMD echo $X", {"command": ("echo $X",)}),
    ('ENTRYPOINT ["$X"]', {"command": ("$X",)}),
    ('SHELL ["$X"]', {"command": ("$X",)}),
    ("HEALTHCHECK CMD $X", {"command": ("$X",)}),
    ("RUN echo $X", {"command": ("echo $X",)}),
    ("ONBUILD USER $X", {"expression": "USER $X"}),
    ("MAINTAINER $X", {"name": "$X"}),
])
def test_words_are_expanded_where_buildkit_does(text, fields):
    found = expanded(text).instruction
    assert {name: getattr(found, name) for name in fields} == fields


def test_the_escape_of_the_file_counts():
    assert expanded("WORKDIR C:\\a`$X", "# escape=`\n").instruction.path == "C:\\a$X"
    assert expanded("WORKDIR C:\\a", "").instruction.path == "C:a"


def test_heredoc_content_takes_variables_and_only_them():
    found = expanded("COPY <<A <<'B' d\n\"$X\" it's \\$X `$X\nA\n$X\nB\n", "# escape=`\n").instruction
    assert isinstance(found, Copy)
    assert [doc.content for doc in found.inline] == ["\"val\" it's $X `val\n", "$X\n"]


def test_a_chomped_heredoc_is_chomped_before_it_is_expanded():
    found = expanded("COPY <<-A d\n\t\ta$X\n\tA\n").instruction
    assert [doc.text for doc in found.inline] == ["aval\n"]


def test_mounts_are_read_again_with_their_values():
    found = expanded("RUN --mount=type=$T,target=$D x").instruction
    assert [(mount.type, mount.target) for mount in found.mounts] == [(MountType.CACHE, "C:\\dir")]


def test_from_and_arg():
    parsed = parse(b"ARG V=$X\nFROM --platform=windows/$A base:$X\n")
    assert expand_instruction(parsed.instructions[0], ENV.get).instruction == parsed.instructions[0]
    found = expand_instruction(parsed.instructions[1], {"X": "1", "A": "amd64"}.get)
    assert (found.instruction.base, found.instruction.platform) == ("base:1", "windows/amd64")
    assert {rule.scope for rule in EXPANDED[type(parsed.instructions[1])]} == {Scope.GLOBAL}
    assert EXPANDED[Arg][0].how is How.IN_ORDER


def test_used_and_unset_names_come_back():
    found = expanded("COPY $X $U $D")
    assert (found.used, found.unset) == ({"X", "D"}, {"U"})


def test_an_error_names_the_line_and_helps_with_spaces():
    with pytest.raises(DockerfileError, match="Dockerfile:2: COPY: cannot expand") as caught:
        expanded('COPY "a b" c')
    assert "JSON form" in caught.value.hint
    with pytest.raises(DockerfileError, match="X is needed"):
        expanded("USER ${NO:?X is needed}")


def test_the_table_names_fields_that_exist():
    for kind, rules in EXPANDED.items():
        assert kind in INSTRUCTIONS
        assert {rule.field for rule in rules} <= set(kind.__dataclass_fields__)
