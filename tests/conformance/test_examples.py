# SPDX-License-Identifier: Apache-2.0
"""The examples build as their READMEs say."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

from support.workbench import NANOSERVER, Workbench

from imagebuild.builder.request import pairs
from imagebuild.layer import Kind

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def options(example: str, flag: str) -> tuple[str, ...]:
    """The values of a flag in the README's command."""
    text = (EXAMPLES / example / "README.md").read_text()
    command = re.search(r"^    (wcow build (?:.*\\\n)*.*)", text, re.MULTILINE)
    assert command is not None
    words = shlex.split(command[1])
    return tuple(after for word, after in pairwise(words) if word == flag)


def test_the_hostprocess_example_is_one_base_layer_with_its_file(bench: Workbench) -> None:
    built = bench.build(EXAMPLES / "hostprocess")
    assert (len(built.image.layers), built.image.config.os_version) == (1, "")
    found = {item.path for item in bench.files(built).find(recursive=True) if item.entry.kind is Kind.FILE}
    hives = {rf"C:\Windows\System32\config\{name}" for name in ("DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM")}
    assert found == {r"C:\node-setup.cmd", *hives}
    assert built.image.config.run.entrypoint == ("cmd", "/c", r"%CONTAINER_SANDBOX_MOUNT_POINT%\node-setup.cmd")


def test_the_app_example_has_its_links_and_its_acl(bench: Workbench) -> None:
    bench.base("nanoserver", NANOSERVER)
    built = bench.build(EXAMPLES / "app", acls=pairs(options("app", "--acl"), "--acl"),
                        junctions=pairs(options("app", "--junction"), "--junction"))
    files = bench.files(built)
    latest, current = files.get(r"C:\app\site\latest"), files.get(r"C:\app\current")
    assert (latest.entry.kind, latest.entry.target) == (Kind.DIRECTORY_SYMLINK, "v2")
    assert (current.entry.kind, current.entry.target) == (Kind.JUNCTION, r"C:\app\site\v2")
    assert bench.read(built, r"C:\app\current\index.html") == bench.read(built, r"C:\app\site\latest\index.html")
    assert files.get(r"C:\data").words()[2] == (
        r"allow User Manager\ContainerUser: modify, this folder, subfolders and files")
    run = built.image.config.run
    assert (run.working_dir, run.user, run.env) == (r"C:\app", "ContainerUser", (r"APP_DATA=C:\data",))
