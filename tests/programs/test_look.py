# SPDX-License-Identifier: Apache-2.0
"""``wcow digest``, ``inspect``, ``ls`` and ``cat``."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import images, programs

if TYPE_CHECKING:
    from support.home import Home


def test_the_digest_of_an_image_and_of_one_in_an_index(home: Home, app: str, many: str) -> None:
    assert home.wcow("digest", "app:1").out == f"{app}\n"
    assert home.wcow("digest", "many:1").out == f"{many}\n"
    facts = json.loads(home.wcow("digest", "--format", "json", "--os-version", "10.0.20348", "many:1").out)
    assert facts["digest"] != many and facts["media_type"].endswith("manifest.v1+json")


def test_inspect_shows_an_image(home: Home, app: str) -> None:
    text = home.wcow("inspect", "app:1").out
    assert f"Digest:     {app}" in text and "Platform:   windows(10.0.20348.2762)/amd64" in text
    assert "2 layers, the lowest first:" in text and "step 1" in text
    facts = json.loads(home.wcow("inspect", "--format", "json", "app:1").out)
    assert facts["digest"] == app and len(facts["layers"]) == 2


def test_inspect_shows_an_index_and_one_image_of_it(home: Home, many: str) -> None:
    assert "2 manifests:" in home.wcow("inspect", "many:1").out
    one = json.loads(home.wcow("inspect", "--format", "json", "--os-version", "10.0.26100", "many:1").out)
    assert one["index"] == many and one["platform"]["os.version"] == "10.0.26100.1"


def test_raw_and_config_are_byte_for_byte(home: Home, app: str) -> None:
    raw = home.wcow("inspect", "--raw", "app:1").raw
    assert "sha256:" + hashlib.sha256(raw).hexdigest() == app
    config = home.wcow("inspect", "--config", "app:1").raw
    assert "sha256:" + hashlib.sha256(config).hexdigest() == json.loads(raw)["config"]["digest"]


def test_ls_shows_names(home: Home, app: str) -> None:
    assert home.wcow("ls", "app:1").out == "app\ndata\n"
    assert home.wcow("ls", "app:1", "C:\\APP").out.split() == ["here", "link.txt", "readme.txt", "same.txt", "to-data"]
    assert home.wcow("ls", "app:1", "/*/*.bin").out == "big.bin\n"
    assert "C:\\data\\big.bin" in home.wcow("ls", "-R", "app:1").out.splitlines()
    assert home.wcow("ls", "-d", "app:1", "/app").out == "C:\\app\n"


def test_a_long_list_has_owner_acl_attributes_targets_and_layer(home: Home, app: str) -> None:
    lines = home.wcow("ls", "-l", "app:1", "/app").out.splitlines()
    assert lines[0].split() == ["ATTR", "SIZE", "MODIFIED", "OWNER", "LAYER", "NAME"]
    entry = next(line for line in lines if line.endswith("readme.txt") and "=" not in line)
    assert entry.split() == ["RA", "6", "2024-01-01", "00:00", "BUILTIN\\Administrators", "1", "readme.txt"]
    assert lines[lines.index(entry) + 1] == "        " + images.SDDL
    assert any(line.endswith("to-data -> C:\\data") and "<JUNCTION>" in line for line in lines)
    assert any(line.endswith("same.txt = Files/app/readme.txt") for line in lines)
    words = home.wcow("ls", "--acl", "words", "app:1", "/data").out
    assert "        allow BUILTIN\\Administrators: full control" in words
    assert images.SDDL not in home.wcow("ls", "-l", "--acl", "none", "app:1", "/data").out


def test_one_layer_and_a_tree(home: Home, app: str) -> None:
    assert home.wcow("ls", "--layer", "1", "app:1").out == "Files\nHives\n"
    assert "<GONE>" in home.wcow("ls", "-l", "--layer", "1", "app:1", "Files/app").out
    tree = home.wcow("ls", "--tree", "--acl", "sddl", "app:1").out.splitlines()
    assert tree[0].startswith("C:\\") and tree[-1] == f"[acl 2] {images.SDDL}"
    assert home.wcow("ls", "--layer", "7", "app:1", code=2).err.startswith("error: app:1 has no layer 7\n")
    home.wcow("ls", "--tree", "--format", "json", "app:1", code=2)


def test_a_terminal_that_lacks_a_character_gets_it_written_out(home: Home, app: str) -> None:
    tree = home.wcow("ls", "--tree", "-q", "app:1", PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert b"\\u251c" in tree.raw and tree.raw.isascii()


def test_json_has_every_fact(home: Home, app: str) -> None:
    facts = json.loads(home.wcow("ls", "-R", "--format", "json", "app:1").out)
    assert facts["digest"] == app
    by_path = {entry["path"]: entry for entry in facts["entries"]}
    assert by_path["C:\\app\\readme.txt"]["sddl"] == images.SDDL
    assert by_path["C:\\app\\to-data"]["kind"] == "junction"


def test_a_file_is_printed_byte_for_byte(home: Home, app: str) -> None:
    assert home.wcow("cat", "-q", "app:1", "C:\\app\\link.txt").raw == b"hello\n"
    assert home.wcow("cat", "app:1", "/app/to-data/big.bin").raw == bytes(range(256)) * 4096


@pytest.mark.parametrize(("path", "said"), [
    ("/nope", "there is no /nope in app:1"), ("/app", "cannot print C:\\app"),
    ("D:\\x", "an image has only the drive C:")])
def test_what_cannot_be_printed_is_told(home: Home, app: str, path: str, said: str) -> None:
    done = home.wcow("cat", "app:1", path, code=2)
    assert said in done.err and done.raw == b""


def test_a_reader_who_has_seen_enough_ends_the_list_quietly(home: Home) -> None:
    store = home.store()
    files = [images.file(f"Files/{number:04}-{'x' * 200}.txt") for number in range(2000)]
    images.image(store, "docker.io/library/wide:1",
                 images.layer(store, (images.folder("Files", security=False), *files), base=True))
    home.wcow("ls", "-q", "wide:1")
    process = subprocess.Popen([sys.executable, "-m", "imagebuild", "ls", "-q", "wide:1"], cwd=home.folder,
                               env=home.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().startswith(b"0000-")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 141


def test_a_layer_is_read_once_and_remembered(home: Home, app: str) -> None:
    assert home.wcow("ls", "app:1").err.count("reading layer") == 2
    assert home.wcow("ls", "app:1").err == ""


def test_an_image_is_looked_into_where_it_lies(home: Home, app: str, registry: programs.Registry) -> None:
    name = f"{registry.host}/look/app:1"
    home.wcow("push", "-q", "app:1", name)
    assert home.wcow("cat", f"docker://{name}", "/app/readme.txt").raw == b"hello\n"
    home.wcow("copy", "-q", "app:1", "oci-archive:a.tar")
    assert home.wcow("ls", "oci-archive:a.tar").out == "app\ndata\n"


def test_offline_ends_the_search_in_the_local_store(home: Home) -> None:
    done = home.wcow("ls", "--offline", "none:1", code=2)
    assert done.err.splitlines() == [
        "error: cannot find none:1", "  it is not in the local store, and --offline ends the search there",
        "  run 'wcow pull none:1' while online"]
