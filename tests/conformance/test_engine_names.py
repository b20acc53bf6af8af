# SPDX-License-Identifier: Apache-2.0
"""Names in any script through the real ``docker`` command: built into an image, mounted, copied, committed."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import programs, sandboxes
from support.engine import IMAGE, Docker, Engine

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).parents[1] / "imagebuild/runtime/names.c"
NAMES = ("grün", "漢字 😀", "e\u0301", "שלום")


@pytest.fixture
def image(docker: Docker, tmp_path: Path, name: str) -> str:
    """An image with ``C:\\names.exe``, and files, a variable and a folder of such names."""
    with programs.skipping():
        program = sandboxes.compile_program(PROGRAM, "-municode", "-ladvapi32")
    (tmp_path / "names.exe").write_bytes(program.read_bytes())
    lines = [f"FROM {IMAGE}", "COPY names.exe C:/"]
    for one in NAMES:
        (tmp_path / f"{one}.txt").write_text(f"built {one}")
        lines += [f'COPY ["{one}.txt", "C:/data/{one}/"]', f'ENV ORT{NAMES.index(one)}="{one}"']
    lines.append(f'WORKDIR "C:/data/{NAMES[1]}"')
    (tmp_path / "Dockerfile").write_text("\n".join(lines))
    docker("build", "-t", f"{name}:1", tmp_path)
    return f"{name}:1"


def test_names_in_any_script_come_through_the_whole_engine(windows: Engine, docker: Docker, image: str, name: str,
                                                           tmp_path: Path) -> None:
    shared = windows.fresh() / NAMES[1]
    shared.mkdir()
    shared.chmod(0o777)
    docker("create", "--name", name, "-v", f"{shared}:C:\\{NAMES[3]}", "-v", f"{name}:C:\\volume {NAMES[0]}", "-e",
           f"WHO={NAMES[1]}", image, "cmd", "/c", "ping -n 100 127.0.0.1 >nul")
    for one in NAMES:
        (tmp_path / f"{one}.in").write_text(f"copied {one}")
        docker("cp", tmp_path / f"{one}.in", f"{name}:/data/{one}/")
    docker("start", name)

    def inside(*args: str) -> list[str]:
        return docker("exec", name, r"C:\names.exe", *args).splitlines()

    for number, one in enumerate(NAMES):
        assert inside("read", f"C:\\data\\{one}\\{one}.txt") == [f"built {one}"]
        assert inside("read", f"C:\\data\\{one}\\{one}.in") == [f"copied {one}"]
        assert inside("env", f"ORT{number}") == inside("args", one) == [one]
        inside("write", f"C:\\{NAMES[3]}\\{one}", one)
        inside("write", f"C:\\volume {NAMES[0]}\\{one}", one)
        inside("write", f"C:\\data\\{one}\\{one}.out", f"written {one}")
        assert (shared / one).read_text() == one
    assert inside("where") == [f"C:\\data\\{NAMES[1]}"]
    assert inside("env", "WHO") == [NAMES[1]]
    assert docker("exec", "-w", f"C:\\data\\{NAMES[3]}", "-e", f"X={NAMES[2]}", name, r"C:\names.exe", "env",
                  "X") == NAMES[2]
    assert set(inside("list", f"C:\\volume {NAMES[0]}")) == set(NAMES)
    docker("stop", "-t", "1", name)
    for one in NAMES:
        docker("cp", f"{name}:/data/{one}/{one}.out", tmp_path)
        assert (tmp_path / f"{one}.out").read_text() == f"written {one}"
        assert f"Files/data/{one}/{one}.out" in docker("diff", name)
    docker("commit", name, f"{name}:2")
    assert docker("run", "--rm", f"{name}:2", r"C:\names.exe", "read", f"C:\\data\\{NAMES[1]}\\{NAMES[1]}.out") == \
        f"written {NAMES[1]}"
    docker("rm", "-f", "-v", name)
