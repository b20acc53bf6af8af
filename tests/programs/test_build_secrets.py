# SPDX-License-Identifier: Apache-2.0
"""Secrets of RUN in the embedded engine: commands have them, and neither the image nor a folder of ours does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.build_home import BASE, Home, opened

pytestmark = pytest.mark.slow
SECRET = "sesame-open-4711"
KEY = "the key of all doors"


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with opened() as made:
        (made.folder / "secret").write_text(KEY)
        made.environment["SESAME"] = SECRET
        yield made


DOCKERFILE = f"""# escape=`
FROM {BASE}
RUN --mount=type=secret,id=token --mount=type=secret,id=key,target=C:\\app\\key.pem,required `
    --mount=type=secret,id=token,env=TOKEN type C:\\run\\secrets\\token & type C:\\app\\key.pem `
    & if "%TOKEN:~0,8%"=="{SECRET[:8]}" echo as a variable
RUN --mount=type=secret,id=token if exist C:\\run\\secrets\\token echo made> C:\\made.txt
RUN if exist C:\\run echo left & if exist C:\\app echo left & if defined TOKEN echo left & cmd /c exit 0
"""


def test_commands_have_secrets_and_nothing_else_has(home: Home) -> None:
    given = ("--secret", "id=token,env=SESAME", "--secret", f"id=key,src={home.folder / 'secret'}")
    _out, err = home.wcow("build", "-t", "sealed:1", *given, home.context(DOCKERFILE))
    assert "as a variable" in err
    assert "******" in err
    assert "\n  left" not in err
    assert SECRET not in err and KEY not in err
    assert home.wcow("ls", "sealed:1", "C:\\")[0].count("made.txt") == 1
    assert "run" not in home.wcow("ls", "sealed:1", "C:\\")[0].split()
    words = [word.encode(coding) for word in (SECRET, KEY) for coding in ("utf-8", "utf-16-le")]
    for path in home.folder.rglob("*"):
        if path.is_file() and path != home.folder / "secret":
            data = path.read_bytes()
            assert not [word for word in words if word in data], path


def test_a_required_secret_and_an_agent_are_refused_with_the_reason(home: Home) -> None:
    _out, err = home.wcow("build", "--no-cache", home.context(DOCKERFILE), code=1)
    assert "RUN: the secret key is required and was not given" in err
    _out, err = home.wcow("build", "--ssh", "default", home.context(DOCKERFILE), code=2)
    assert "no agent's socket reaches programs in a Windows container" in err


def test_the_network_of_the_command_counts_for_each_run(home: Home) -> None:
    _out, err = home.wcow("build", "--network", "none", home.context(f"FROM {BASE}\nRUN ipconfig\n"))
    assert "127.0.0.1" in err
    assert "172." not in err
