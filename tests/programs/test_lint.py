# SPDX-License-Identifier: Apache-2.0
"""``wcow lint``: as a user runs it, on images and on the tar of a layer."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import images, rawtar

from imagebuild.hive import Key, Value, write
from imagebuild.lint import RULES

if TYPE_CHECKING:
    from support.home import Home

GOOD = rawtar.layer(rawtar.file("Files/a"))
BAD = rawtar.layer(rawtar.file("Files/a"), rawtar.file("Files/A"), rawtar.link("Files/b", "a"),
                   *(rawtar.file(f"Files/x{number}", rawsd=None) for number in range(9)))
WARNED = rawtar.layer(rawtar.file("Files/a", rawsd=None))


@pytest.fixture
def put(home: Home) -> Path:
    """A folder with layers."""
    for name, data in (("good.tar", GOOD), ("bad.tar.gz", gzip.compress(BAD, mtime=0)), ("warned.tar", WARNED),
                       ("base.tar", rawtar.base()), ("junk.tar", b"junk" * 1000)):
        (home.folder / name).write_bytes(data)
    return home.folder


def test_a_good_layer_and_a_good_base(home: Home, put: Path) -> None:
    assert home.wcow("lint", "good.tar").out == "good.tar: nothing found\n"
    assert home.wcow("lint", "base.tar").out == "base.tar: nothing found\n"


def test_quiet_is_the_last_line_alone(home: Home, put: Path) -> None:
    whole = home.wcow("lint", "bad.tar.gz", code=1).out.splitlines(keepends=True)
    assert len(whole) > 3 and home.wcow("lint", "-q", "bad.tar.gz", code=1).out == whole[-1]
    assert home.wcow("lint", "-q", "good.tar").out == "good.tar: nothing found\n"


def test_a_bad_layer_says_what_where_and_what_to_do(home: Home, put: Path) -> None:
    lines = home.wcow("lint", "--no-base", "bad.tar.gz", code=1).out.splitlines()
    at = lines.index("  error: Files/A: Files/a was there before, and is the same name to Windows (at byte 3072) "
                     "[case-collision: wcifs,cimfs]")
    assert lines[at + 1] == "    rename or remove one of them"
    assert sum("[security-missing: wcifs,cimfs]" in line for line in lines) == 5
    assert "  ... and 4 more [security-missing]" in lines
    assert lines[-1] == "bad.tar.gz: 2 errors, 9 warnings"
    shown = home.wcow("lint", "--limit", "0", "bad.tar.gz", code=1).out
    assert shown.count("[security-missing: wcifs,cimfs]") == 9 and "more" not in shown


def test_warnings_count_only_when_strict(home: Home, put: Path) -> None:
    assert home.wcow("lint", "warned.tar").out.endswith("warned.tar: 1 warning\n")
    home.wcow("lint", "--strict", "warned.tar", code=1)
    done = home.wcow("lint", "--strict", "--ignore", "security-missing", "warned.tar")
    assert done.out == "warned.tar: nothing found\n"
    home.wcow("lint", "--strict", "--importer", "engine", "warned.tar")


def test_json_has_every_finding(home: Home, put: Path) -> None:
    facts = json.loads(home.wcow("lint", "--format", "json", "bad.tar.gz", code=1).out)
    assert facts["summary"] == {"errors": 2, "warnings": 9, "notes": 0} and len(facts["findings"]) == 11
    assert facts["findings"][0] == {
        "rule": "case-collision", "severity": "error", "importers": ["wcifs", "cimfs"], "layer": None, "digest": "",
        "path": "Files/A", "offset": 3072, "message": "Files/a was there before, and is the same name to Windows"}
    assert json.loads(home.wcow("lint", "--format", "json", "good.tar").out)["findings"] == []


def test_sarif_is_what_the_standard_asks_for(home: Home, put: Path) -> None:
    log = json.loads(home.wcow("lint", "--format", "sarif", "bad.tar.gz", code=1).out)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("/sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert len(run["results"]) == 11
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note") and result["message"]["text"]
    place = run["results"][0]["locations"][0]
    assert place["physicalLocation"] == {"artifactLocation": {"uri": "bad.tar.gz"},
                                         "region": {"byteOffset": 3072, "byteLength": 512}}
    assert place["logicalLocations"] == [{"fullyQualifiedName": "Files/A", "kind": "resource"}]


def test_a_layer_on_standard_input(home: Home) -> None:
    home.wcow("lint", "-", stdin=GOOD)
    home.wcow("lint", "-", stdin=gzip.compress(BAD), code=1)


def test_what_is_no_layer_is_bad_input(home: Home, put: Path) -> None:
    done = home.wcow("lint", "junk.tar", code=2)
    assert "cannot read the junk.tar" in done.err and "at byte 0" in done.err
    (put / "image.tar").write_bytes(rawtar.tar(rawtar.member("oci-layout", data=b"{}")))
    assert "wcow lint oci-archive:image.tar" in home.wcow("lint", "image.tar", code=2).err


def test_an_image_is_told_layer_by_layer(home: Home) -> None:
    with home.store() as store:
        _, descriptor = images.sample(store)
    out = home.wcow("lint", "app:1", code=1).out.splitlines()
    first, second = (at for at, line in enumerate(out) if line.startswith("layer "))
    assert out[first].startswith("layer 0  sha256:") and out[second].startswith("layer 1  sha256:")
    assert any("base-hive-missing" in line for line in out[first:second])
    assert any("delta-invalid" in line for line in out[second:])
    assert out[-1] == "app:1: 2 errors"
    home.wcow("lint", "--ignore", "base-hive-missing", "--ignore", "delta-invalid", "app:1")
    alone = home.wcow("lint", "--layer", "1", "app:1", code=1).out
    assert "layer 0" not in alone and "layer 1" in alone
    assert "there is no layer 7" in home.wcow("lint", "--layer", "7", "app:1", code=2).err
    assert home.wcow("lint", "--importer", "engine", "app:1").out == "app:1: nothing found\n"
    assert descriptor.digest


def test_bases_that_the_command_makes_are_clean(home: Home) -> None:
    home.wcow("base", "create", "-t", "hpc:1")
    out = home.wcow("lint", "--strict", "hpc:1").out
    assert out.endswith("hpc:1: 1 note\n") and "os-version-missing" in out
    home.wcow("base", "create", "--like", "nanoserver", "--os-version", "10.0.20348.2762", "-t", "nano:1")
    assert home.wcow("lint", "--strict", "nano:1").out == "nano:1: nothing found\n"


def test_a_rule_is_explained_with_its_source(home: Home) -> None:
    out = home.wcow("lint", "--explain", "symlink-files-prefix").out
    assert out.startswith("symlink-files-prefix: a symlink whose target begins with Files/\n")
    assert "moby/buildkit#2239" in out and "Do:" in out
    listed = home.wcow("lint", "--explain", "all").out.splitlines()
    assert [line.split()[0] for line in listed] == list(RULES)
    assert "did you mean missing-files" in home.wcow("lint", "--explain", "missing-file", code=2).err


@pytest.mark.parametrize("arguments", [("--importer", "docker"), ("--importer", ","), ("--ignore", "nothing"),
                                       ("--layer", "0"), ()])
def test_bad_usage_is_told(home: Home, put: Path, arguments: tuple[str, ...]) -> None:
    if arguments:
        home.wcow("lint", *arguments, "good.tar", code=2)
    else:
        home.wcow("lint", "--base", "nowhere:1", "--offline", code=2)


def test_large_hives_of_a_base_are_looked_at_in_full_when_asked(home: Home) -> None:
    keys = [Key(f"k{number:03}", [Value("v", 3, bytes(16000))]) for number in range(80)]
    hive = bytearray(write(Key("ROOT", (), keys)))
    hive[hive.index(b"lh", 4096) + 8] ^= 1
    (home.folder / "base.tar").write_bytes(rawtar.base(hives={"SOFTWARE": bytes(hive)}))
    assert home.wcow("lint", "base.tar").out == "base.tar: nothing found\n"
    assert "[hive-subkey-order: base,cimfs]" in home.wcow("lint", "--hives", "full", "base.tar", code=1).out


def test_a_hive_alone_is_for_reg_lint(home: Home) -> None:
    (home.folder / "SYSTEM").write_bytes(rawtar.HIVE)
    assert "wcow reg lint SYSTEM" in home.wcow("lint", "SYSTEM", code=2).err
