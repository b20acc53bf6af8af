# SPDX-License-Identifier: Apache-2.0
"""``.reg`` files of ``wcow reg export``, imported by other programs; what hivex and we find in the hives they made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import programs
from support.hive_readers import READERS, Found
from support.hives import SHARED
from support.programs import Unavailable

from imagebuild.hive import Key, Value, read, write

pytestmark = pytest.mark.slow
NTUSER = SHARED / "real" / "NTUSER.DAT"
PREFIX = r"HKEY_LOCAL_MACHINE\X"
MADE = Key("ROOT", subkeys=[Key("Software", [Value.sz("", "default"), Value.sz("name", "text"), Value.dword("n", 7),
                                             Value("raw", 3, bytes(range(200))), Value.multi_sz("many", ["a", "b"])],
                                [Key("Deep", [Value.qword("q", 1 << 40)])]), Key("Empty")])


def found_by_us(path: Path) -> Found:
    out: Found = {}
    for name, key in read(path.read_bytes()).walk():
        out[f"\\{name}" if name else ""] = sorted((value.name, value.type, value.data) for value in key.values)
    return out


def exported(hive: Path, encoding: str, out: Path) -> None:
    subprocess.run([sys.executable, "-m", "imagebuild", "reg", "export", hive, "--root", PREFIX, "-o", out,
                    "--encoding", encoding], check=True, cwd=Path(__file__).parents[2])


def needs(*names: str) -> None:
    for name in names:
        try:
            programs.find(name)
        except Unavailable as error:
            pytest.skip(str(error))


def asked_of_hivexsh(hive: Path, path: str) -> str:
    """What ``hivexsh`` says of the values of a key."""
    script = "".join(f"cd {part}\n" for part in path.split("\\")) + "lsval\n"
    return subprocess.run(["hivexsh", hive], input=script, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("source", ["made", "NTUSER.DAT"])
def test_hivexregedit_takes_the_utf_8_form_and_hivex_and_we_find_all_of_it(source: str, tmp_path: Path) -> None:
    needs("hivexregedit", "hivexsh")
    if source == "made":
        hive = tmp_path / "source"
        hive.write_bytes(write(MADE))
    elif NTUSER.exists():
        hive = NTUSER
    else:
        pytest.skip(f"{NTUSER} is missing")
    text, made = tmp_path / "x.reg", tmp_path / "made"
    exported(hive, "utf-8", text)
    made.write_bytes(write(Key("ROOT")))
    programs.run("hivexregedit", "--merge", "--prefix", PREFIX, made, text)
    assert found_by_us(made) == found_by_us(hive)
    try:
        assert READERS["hivex"](made) == found_by_us(made)
    except Unavailable as error:
        pytest.skip(str(error))
    if source == "made":
        said = asked_of_hivexsh(made, "Software")
        assert '"name"="text"' in said and '"n"=dword:00000007' in said


def test_reged_takes_the_utf_16_form_and_hivex_and_we_find_all_of_it(tmp_path: Path) -> None:
    needs("reged", "hivexsh")
    hive, text, made = tmp_path / "source", tmp_path / "x.reg", tmp_path / "made"
    hive.write_bytes(write(MADE))
    exported(hive, "utf-16", text)
    # reged (140201) does not know the hive's own root as a key of a .reg file.
    content = text.read_bytes().decode("utf-16").replace(f"[{PREFIX}]\r\n\r\n", "", 1)
    text.write_bytes(content.encode("utf-16"))
    made.write_bytes(write(Key("ROOT", subkeys=[Key("Empty")])))
    done = programs.run("reged", "-C", "-I", made, PREFIX, text, ok=False)
    assert done.returncode == 2, done.stdout  # "changed and saved"
    assert found_by_us(made) == found_by_us(hive)
    try:
        assert READERS["hivex"](made) == found_by_us(made)
    except Unavailable as error:
        pytest.skip(str(error))
    assert '"name"="text"' in asked_of_hivexsh(made, "Software")
