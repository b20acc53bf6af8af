# SPDX-License-Identifier: Apache-2.0
"""RUN by the embedded engine, as a user has it: ``wcow build`` over a stand-in, ``wcow run`` of what came out."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator

import pytest
from support import programs, windows_programs
from support.build_home import BASE, Home, opened

pytestmark = pytest.mark.slow

@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with opened() as made:
        yield made


DOCKERFILE = f"""# escape=`
FROM {BASE} AS tools
RUN mkdir C:\\tool && echo tool> C:\\tool\\t.txt
FROM {BASE}
ARG WHO=me
ENV GREETING=hello
WORKDIR C:\\app
COPY a.txt .
RUN mkdir "C:\\Program Files\\my tool"
RUN copy C:\\Windows\\System32\\cmd.exe "C:\\Program Files\\my tool\\tool.exe" >nul
RUN echo %GREETING% %WHO%> b.txt & type b.txt a.txt
RUN ["reg", "add", "HKLM\\\\SOFTWARE\\\\Made", "/v", "By", "/d", "run", "/f"]
RUN mkdir sub && copy a.txt sub\\c.txt >nul && mklink /J C:\\linked C:\\app\\sub
RUN del b.txt
CMD echo unused
HEALTHCHECK --interval=1s CMD exit 1
VOLUME C:\\data
RUN ["C:\\\\Program Files\\\\my tool\\\\tool.exe", "/c", "mkdir C:\\\\data & echo v> C:\\\\data\\\\v.txt"]
RUN cmd /c exit 0
COPY --from=tools C:\\tool C:\\linked2
CMD ["cmd", "/c", "type C:\\\\linked\\\\c.txt & dir /b C:\\\\app & reg query HKLM\\\\SOFTWARE\\\\Made /v By"]
"""


def test_commands_run_and_the_image_has_what_they_did(home: Home) -> None:
    context = home.context(DOCKERFILE, **{"a.txt": "file a\n"})
    out, err = home.wcow("build", "-t", "app:1", "--build-arg", "WHO=you", context)
    assert "  hello you" in err
    ran, _err = home.wcow("run", "app:1")
    assert ran.splitlines()[:3] == ["file a", "a.txt", "sub"]
    assert "By    REG_SZ    run" in ran
    assert home.wcow("cat", "app:1", r"C:\linked2\t.txt")[0] == "tool\n"
    assert home.wcow("cat", "app:1", r"C:\data\v.txt")[0] == "v\n"  # as with BuildKit: no volume hides the folder
    assert "nothing found" in home.wcow("lint", "app:1")[0]
    lines = json.loads(home.wcow("inspect", "--format", "json", "app:1")[0])["history"]
    assert next(line for line in lines if "exit 0" in line["created_by"])["empty_layer"] is True

    begun = home.left()
    again, err = home.wcow("build", "-t", "app:2", "--build-arg", "WHO=you", context)
    assert again == out
    assert home.left() == begun


def test_a_command_that_fails_names_its_line_and_leaves_nothing(home: Home) -> None:
    home.wcow("run", "app:1")
    begun = home.left()
    _out, err = home.wcow("build", "-t", "bad:1", home.context(f"FROM {BASE}\nRUN echo before & exit 7\n"), code=1)
    assert "  before" in err
    assert "error: Dockerfile:2: RUN: the command ended with 7" in err.replace(str(home.folder), "")
    assert home.left() == begun
    home.wcow("inspect", "--offline", "bad:1", code=2)
    _out, err = home.wcow("build", home.context(f'FROM {BASE}\nRUN ["nosuch.exe"]\n'), code=3)
    assert "Dockerfile:2: RUN: cannot run it" in err
    assert "executable file not found" in err or "cannot find the file" in err.lower()


def test_ctrl_c_ends_the_command_and_leaves_nothing(home: Home) -> None:
    home.wcow("run", "app:1")
    begun = home.left()
    context = home.context(f"FROM {BASE}\nRUN echo begun & ping -n 600 127.0.0.1 >nul\n")
    with home.start("build", "-t", "long:1", context) as process:
        assert process.stderr is not None
        while "begun" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert home.left() == begun


def test_any_engine_by_its_address_runs_it(home: Home) -> None:
    home.wcow("run", "app:1")
    begun = home.left()
    context = home.context(f"FROM {BASE}\nRUN echo by address> C:\\x.txt\n")
    home.wcow("build", "-t", "there:1", "--run", f"unix://{home.folder / 'engine.sock'}", context)
    assert home.wcow("cat", "there:1", r"C:\x.txt")[0] == "by address\n"
    assert home.left() == begun


def test_a_word_that_names_no_way_is_refused_before_anything_is_built(home: Home) -> None:
    for verb in ("build", "plan"):
        _out, err = home.wcow(verb, "--run", "enigne", home.context(f"FROM {BASE}\nRUN echo x\n"), code=2)
        assert "enigne" in err


def test_without_a_network_a_command_reaches_nothing(home: Home) -> None:
    _out, err = home.wcow("build", home.context(f"FROM {BASE}\nRUN --network=none ipconfig\n"))
    assert "127.0.0.1" in err
    assert "172." not in err


def test_the_next_command_and_the_image_see_variables_of_the_machine(home: Home) -> None:
    text = (f"# escape=`\nFROM {BASE}\n"
            "RUN mkdir C:\\tool && copy C:\\Windows\\System32\\cmd.exe C:\\tool\\mytool.exe >nul\n"
            'RUN setx /M PATH "%PATH%;C:\\tool" && setx /M MINE yes\n'
            "RUN mytool /c echo found %MINE%> C:\\seen.txt\n"
            "CMD mytool /c echo %MINE%& type C:\\seen.txt\n").replace("\\\\", "\\")
    home.wcow("build", "-t", "vars:1", home.context(text))
    assert home.wcow("run", "vars:1")[0].split() == ["yes", "found", "yes"]
    config = json.loads(home.wcow("inspect", "--format", "json", "vars:1")[0])["config"]
    assert not any("MINE" in line or "tool" in line for line in config.get("env") or config.get("Env") or ())


@pytest.mark.parametrize("line", ["dism /online & exit 0", "dism /online & echo done"])
def test_a_program_that_cannot_run_here_fails_though_the_shell_goes_on(home: Home, line: str) -> None:
    _out, err = home.wcow("build", home.context(f"FROM {BASE}\nRUN {line}\n"), code=1)
    assert "dism: cannot run here" in err
    assert "RUN: the command ended with 1" in err


def test_powershell_runs_over_server_core_and_leaves_nothing_of_its_own(home: Home) -> None:
    with programs.skipping():
        home.wcow("powershell", "install", "--from", str(windows_programs.powershell()))
    context = home.context(rf"""# escape=`
FROM {BASE}
SHELL ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]
RUN exit 0
RUN Get-Module -ListAvailable | Out-Null; Set-Content C:\made.txt ($env:USERNAME, ((1, 2, 3) -join '-'))
""")
    digests = []
    for name in ("ps:1", "ps:2"):
        digests.append(home.wcow("build", "--no-cache", "-t", name, context)[0])
    assert digests[0] == digests[1]
    assert home.wcow("cat", "ps:1", r"C:\made.txt")[0].split() == ["ContainerAdministrator", "1-2-3"]
    empty, full = json.loads(home.wcow("inspect", "--format", "json", "ps:1")[0])["history"][-2:]
    assert (empty.get("empty_layer"), full.get("empty_layer", False)) == (True, False)
    assert "PowerShell" not in home.wcow("ls", "-R", "ps:1", "C:\\Users")[0]
    _out, err = home.wcow("build", home.context(f"FROM {BASE}\nRUN powershell -Command throw 'no'\n"), code=1)
    assert "the command ended with 1" in err


def test_the_next_command_and_the_image_see_variables_of_the_account(home: Home) -> None:
    text = (f"FROM {BASE}\nUSER ContainerUser\nRUN setx MINE yes && setx PATH C:/made\n"
            "RUN echo %MINE% & path\nCMD echo %MINE%\n")
    _out, err = home.wcow("build", "-t", "account:1", home.context(text))
    assert "  yes" in err
    assert "C:/made" in err.rpartition("PATH=")[2]
    assert home.wcow("run", "account:1")[0].split() == ["yes"]


def test_the_engine_is_of_the_images_windows_or_a_newer_one(home: Home) -> None:
    newer = "base.example/windows/servercore:ltsc2025"
    home.wcow("base", "create", "--like", "servercore", "--os-version", "10.0.26100.1", "-t", newer)
    old = home.context(f"FROM {BASE}\nRUN ver> C:\\ver.txt\n".replace("\\\\", "\\"))
    home.wcow("build", "-t", "old:1", old)
    context = home.context(f"FROM {newer}\nRUN ver> C:\\ver.txt\n".replace("\\\\", "\\"))
    _out, err = home.wcow("build", "-t", "new:1", context, code=3)
    assert "the image is of Windows 10.0.26100.1, and the engine that runs is of 10.0.20348" in err
    assert "'wcow engine stop' ends it, and the next build starts one of build 26100" in err
    home.wcow("engine", "stop")
    home.wcow("build", "-t", "new:1", context)
    assert "10.0.26100" in home.wcow("cat", "new:1", r"C:\ver.txt")[0]
    home.wcow("build", "--no-cache", "-t", "old:1", old)
