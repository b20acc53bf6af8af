# SPDX-License-Identifier: Apache-2.0
"""Ignore files against moby/patternmatcher built for Windows (under Wine), globs against Go's filepath.Match, where
Debian's Go packages are there.

Known differences, kept out of the generated input: a bad pattern is refused by us at once and by Go only as far as it
looks; a class holding a wildcard (``[*]``) means to moby what it means in a regular expression; two slashes at the
beginning are a share to Windows.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from imagebuild.dockerfile.ignore import Ignore
from imagebuild.dockerfile.patterns.globs import match
from imagebuild.errors import FormatError

pytestmark = pytest.mark.slow
GOPATH = Path("/usr/share/gocode")
WINE = Path("/usr/lib/wine/wine64")
SEGMENTS = ["a", "b", "c", "foo", "*", "**", "?", "f*", "*o", "[a-b]", "[^a]", "a.b", "\\*", "**o", "a**", "..", ".",
            "x(y)", "$", "", " "]
NAMES = ["a", "b", "c", "foo", "a.b", "*", "oo", "fo", "x(y)", "$", "ax"]


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """A function that puts many questions to the Go program at once."""
    return built(tmp_path_factory, {}, [])


@pytest.fixture(scope="module")
def ask_windows(tmp_path_factory):
    """The same for the program that is built for Windows."""
    if not WINE.exists():
        pytest.skip("needs the Debian package wine")
    prefix = tmp_path_factory.mktemp("prefix")
    return built(tmp_path_factory, {"GOOS": "windows", "GOARCH": "amd64", "CGO_ENABLED": "0", "WINEPREFIX": str(prefix),
                                    "WINEDEBUG": "-all"}, [str(WINE)])


def built(tmp_path_factory, more, before):
    if shutil.which("go") is None or not (GOPATH / "src/github.com/moby/patternmatcher").is_dir():
        pytest.skip("needs the Debian packages golang-go and golang-github-moby-patternmatcher-dev")
    folder = tmp_path_factory.mktemp("patterns")
    program = folder / "patterns.exe"
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(folder / "cache"),
           "GOFLAGS": "", **more}
    source = Path(__file__).with_name("patterns.go")
    subprocess.run(["go", "build", "-o", program, source], env=env, check=True, timeout=300)

    def put(questions: list[dict[str, object]]) -> list[dict[str, object]]:
        text = "".join(json.dumps(question) + "\n" for question in questions)
        done = subprocess.run([*before, program], input=text, capture_output=True, text=True, check=True,
                              timeout=120, env=env)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return put


def test_ignore_files_leave_out_the_same_paths(ask_windows):
    chance = random.Random(3)
    questions = []
    for _ in range(4000):
        lines = [chance.choice(["", "", "!", "! ", "/", "!/", "#"])
                 + chance.choice("/\\").join(chance.choice(SEGMENTS) for _ in range(chance.randint(1, 4)))
                 + chance.choice(["", "/", " "]) for _ in range(chance.randint(1, 5))]
        lines = [line for line in lines if not re.match(r"[! ]*[/\\ ]{2}", line)]
        paths = ["/".join(chance.choice(NAMES) for _ in range(chance.randint(1, 4))) for _ in range(10)]
        questions.append({"ignore": chance.choice(["\n", "\r\n"]).join(lines), "paths": paths})
    for question, answer in zip(questions, ask_windows(questions), strict=True):
        try:
            ignore = Ignore.parse(question["ignore"].encode())
        except FormatError:
            assert answer["bad"], question
            continue
        assert answer == {"answers": [ignore.excludes(path) for path in question["paths"]], "bad": False}, question


def test_globs_match_the_same_paths(ask):
    chance = random.Random(4)
    letters = [*"ab/*?[]^-\\.é", "[a-b]", "[^b]"]
    questions = [{"pattern": "".join(chance.choice(letters) for _ in range(chance.randint(1, 7))),
                  "paths": ["".join(chance.choice("ab/*?[]^-\\.é") for _ in range(chance.randint(0, 5)))
                            for _ in range(5)]}
                 for _ in range(6000)]
    hits = 0
    for question, answer in zip(questions, ask(questions), strict=True):
        try:
            ours = [match(question["pattern"], path) for path in question["paths"]]
        except FormatError:
            assert answer["bad"] or not any(answer["answers"]), question
            continue
        hits += any(ours)
        assert answer == {"answers": ours, "bad": False}, question
    assert hits > 100
