# SPDX-License-Identifier: Apache-2.0
"""What may be secret in a task's arguments is in no result, no diff, no output however verbose, and no command line."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import engines
from support.ansible_hosts import Controller
from support.ansible_objects import ours, play

SECRETS = {name: f"s3cret-{name}-0123456789" for name in ("env", "other", "log", "option", "password", "exec")}

pytestmark = pytest.mark.slow  # a task takes most of a second of Ansible itself


@contextmanager
def command_lines() -> Iterator[set[bytes]]:
    """Gather the command lines of all processes for the block."""
    seen: set[bytes] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.02):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(entry.read_bytes())
                except OSError:
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("callback", ["ansible.builtin.default", "ansible.posix.json"])
def test_no_secret_is_told(controller: Controller, served: engines.Served, callback: str) -> None:
    controller.extra["ANSIBLE_STDOUT_CALLBACK"] = callback
    made = {"name": "web", "image": "app:1", "command": ["sleep", "60"], "log_driver": "json-file",
            "env": {"TOKEN": SECRETS["env"]}, "log_options": {"tag": SECRETS["log"]}}
    other = {**made, "env": {"TOKEN": SECRETS["other"]}}
    tasks = [
        ours("container", **made), ours("container", **other), ours("container_info", name="web"),
        {**ours("container", name="web", env={"TOKEN": SECRETS["env"]}, memory="much"), "ignore_errors": True},
        {**ours("container", name="y", image="app:1", env={"BAD": SECRETS["env"]}, network_mode=SECRETS["env"]),
         "ignore_errors": True},
        {**ours("container_exec", container="none", argv=["cmd"], env={"TOKEN": SECRETS["exec"]}),
         "ignore_errors": True},
        {**ours("volume", name="v", driver_options={"o": SECRETS["option"]}), "ignore_errors": True},
        {**ours("volume", name="v", driver_options={"o": SECRETS["option"] + "2"}), "ignore_errors": True},
        {**ours("image", name="localhost:1/x:1", pull="always", registry_username="user",
                registry_password=SECRETS["password"]), "ignore_errors": True},
    ]
    with command_lines() as lines:
        played = play(controller, served, *tasks, arguments=("--diff", "-vvvv"))
    first, second, info = played.outcomes[:3]
    assert (first.state, second.state, info.state) == ("ok", "ok", "ok"), played.printed
    assert "TOKEN=VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in first["container"]["Config"]["Env"]
    assert second["differences"] == ["environ[TOKEN] is 'a value that is not shown', wanted is 'another value, which is"
                                     " not shown'"]
    assert second["diff"]["before"] != second["diff"]["after"]
    told = played.printed + "".join(str(one.result) for one in played.outcomes)
    assert [name for name, text in SECRETS.items() if text in told] == []
    assert [line for line in lines if any(text.encode() in line for text in SECRETS.values())] == []
    assert any(b"ansible-playbook" in line for line in lines)


def test_the_values_of_variables_are_told_where_they_are_asked_for(controller: Controller,
                                                                   served: engines.Served) -> None:
    made = ours("container", name="web", image="app:1", command=["sleep", "60"], env={"MODE": "test"})
    played = play(controller, served, made,
                  ours("container_info", name="web", show_env=True))
    assert "MODE=test" in played[1]["containers"][0]["Config"]["Env"]
