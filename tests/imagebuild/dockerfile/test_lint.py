# SPDX-License-Identifier: Apache-2.0
"""Warnings: each rule where it speaks and where it keeps silent."""

from __future__ import annotations

import pytest

from imagebuild.dockerfile import parse
from imagebuild.dockerfile.warning import CODES


def warnings(text: str):
    return [(warning.code, warning.line) for warning in parse(text.encode()).warnings]


CASES = [
    # a path that swallows the next line
    ("FROM a\nCOPY a C:\\b\\\nRUN x", [("swallowed-line", 2), ("lost-backslash", 2)]),
    ("FROM a\nCOPY a b\\\nRUN x", [("swallowed-line", 2)]),
    ("FROM a\nWORKDIR C:\\\\app\\\nCOPY a b", [("swallowed-line", 2)]),
    ("FROM a\nRUN dir C:\\x\\\nUSER b", [("swallowed-line", 2)]),
    ("FROM a\nCOPY a C:\\\\b\\\nc", [("swallowed-line", 2)]),
    ("FROM a\nCOPY a C:\\\\b\\\\\nRUN x", []),
    ("FROM a\nCOPY a \\\n b", []),
    ("FROM a\nRUN a;\\\n b", []),
    ("FROM a\nRUN a&&\\\nUSER b", []),
    ("# escape=`\nFROM a\nCOPY a C:\\b\\\nRUN x", []),
    # blank lines
    ("FROM a\nRUN a \\\n\n b", [("empty-continuation", 3)]),
    ("FROM a\nRUN a \\\n # c\n b", []),
    # JSON
    ("FROM a\nENTRYPOINT ['a']", [("invalid-json", 2)]),
    ('FROM a\nCMD ["C:\\app"]', [("invalid-json", 2)]),
    ('FROM a\nONBUILD CMD ["a",]', [("invalid-json", 2)]),
    ('FROM a\nHEALTHCHECK CMD ["a"', [("invalid-json", 2)]),
    ("FROM a\nCOPY [a] b", [("invalid-json", 2)]),
    ("FROM a\nRUN [Environment]::Exit(1)", []),
    ("FROM a\nRUN [ -f x ] && y", []),
    ('FROM a\nCMD ["C:\\\\app"]', []),
    # stage names
    ("FROM a AS b\nFROM c AS B\nFROM d AS b", [("duplicate-stage", 2), ("duplicate-stage", 3)]),
    ("FROM a AS b\nFROM c AS d\nFROM e\nFROM f", []),
    # backslashes that disappear
    ("FROM a\nCOPY a C:\\b", [("lost-backslash", 2)]),
    ("FROM a\nCOPY --from=x\\y a b", [("lost-backslash", 2)]),
    ("FROM a\nRUN --mount=type=cache,target=C:\\x dir", [("lost-backslash", 2)]),
    ("FROM a\nWORKDIR C:\\b", [("lost-backslash", 2)]),
    ("FROM a\nENV PATH=C:\\b;C:\\c", [("lost-backslash", 2)]),
    ("FROM a\nUSER DOMAIN\\me", [("lost-backslash", 2)]),
    ("FROM a\nVOLUME C:\\b", [("lost-backslash", 2)]),
    ("FROM a\nCOPY <<E d\nC:\\x\nE", [("lost-backslash", 2)]),
    ("FROM a\nCOPY <<'E' d\nC:\\x\nE", []),
    ("FROM a\nENV PATH=\"C:\\b\" X='C:\\c' Y=C:\\\\d Z=a\\ b", []),
    ("FROM a\nRUN dir C:\\b", []),
    ("# escape=`\nFROM a\nCOPY a C:\\b", []),
    # triggers
    ("# escape=`\nFROM a\nONBUILD COPY a C:\\b", [("onbuild-escape", 3)]),
    ("# escape=`\nFROM a\nONBUILD COPY a b", []),
    ("FROM a\nONBUILD USER a\\\\b", []),
    # directives
    ("\n# escape=`\nFROM a", [("late-directive", 2)]),
]


@pytest.mark.parametrize("text, expected", CASES)
def test_warnings(text, expected):
    assert warnings(text) == expected


def test_every_code_is_explained_and_tried():
    assert {code for _, expected in CASES for code, _ in expected} == set(CODES)
