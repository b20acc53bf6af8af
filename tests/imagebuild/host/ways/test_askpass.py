# SPDX-License-Identifier: Apache-2.0
"""The program that gives ssh a password answers that question alone, and holds no password itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from imagebuild.host.ways.askpass import Askpass

SECRET = "a 'quoted' $HOME %s\\n wörd"


def answer(asked: Askpass, prompt: str) -> tuple[int, str]:
    environment = asked.environment()
    done = subprocess.run([environment["SSH_ASKPASS"], prompt], env=environment, capture_output=True, text=True,
                          timeout=10, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("prompt", ["Administrator@win's password: ", "Password: "])
def test_a_question_for_the_password_is_answered_as_it_is(prompt: str) -> None:
    asked = Askpass(SECRET)
    try:
        assert answer(asked, prompt) == (0, SECRET + "\n")
        program = Path(asked.environment()["SSH_ASKPASS"])
        assert SECRET not in program.read_text("utf-8")
        assert program.parent.stat().st_mode & 0o777 == 0o700
    finally:
        asked.close()
    assert not program.parent.exists()


@pytest.mark.parametrize("prompt", ["Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
                                    "Enter passphrase for key '/home/me/.ssh/id_ed25519': "])
def test_another_question_gets_no_answer(prompt: str) -> None:
    asked = Askpass(SECRET)
    try:
        assert answer(asked, prompt) == (1, "")
    finally:
        asked.close()
