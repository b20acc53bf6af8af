# SPDX-License-Identifier: Apache-2.0
"""How CMD, ENTRYPOINT, ENV and their like are stored for Windows."""

from __future__ import annotations

import pytest

from imagebuild.builder.plan import runconfig as r
from imagebuild.oci import RunConfig


def test_a_json_form_is_an_argument_vector_that_is_not_escaped() -> None:
    run = r.with_cmd(RunConfig(args_escaped=True), ("a.exe", "b c"), json=True, original="")
    assert (run.cmd, run.args_escaped) == (("a.exe", "b c"), False)


def test_a_shell_form_is_one_string_behind_the_shell_and_already_escaped() -> None:
    run = r.with_cmd(RunConfig(), ("mkdir  \"c:/foo\"",), json=False, original="mkdir  \"c:/foo\"")
    assert (run.cmd, run.args_escaped) == (("cmd /S /C mkdir  \"c:/foo\"",), True)
    shell = r.with_shell(RunConfig(), ("powershell", "-Command"))
    found = r.with_entrypoint(shell, ("x",), json=False, original="x", cmd_set=False)
    assert found.entrypoint == ("powershell -Command x",)


def test_an_empty_command_clears_and_leaves_args_escaped_alone() -> None:
    run = r.with_cmd(RunConfig(cmd=("x",), args_escaped=True), (), json=True, original="")
    assert (run.cmd, run.args_escaped) == ((), True)


@pytest.mark.parametrize("cmd_set", [True, False])
def test_entrypoint_drops_a_cmd_that_came_from_the_base(cmd_set: bool) -> None:
    run = r.with_entrypoint(RunConfig(cmd=("x",)), ("e",), json=True, original="", cmd_set=cmd_set)
    assert run.cmd == (("x",) if cmd_set else None)


@pytest.mark.parametrize(("escaped", "json", "other", "mixed"), [
    (True, True, ("e",), True), (False, False, ("e",), True), (True, False, ("e",), False),
    (False, True, ("e",), False),
    (True, True, None, False), (True, True, (), False)])
def test_mixed_forms_are_seen(escaped: bool, json: bool, other: tuple[str, ...] | None, mixed: bool) -> None:
    assert r.mixes_forms(RunConfig(args_escaped=escaped), json=json, other=other) is mixed


def test_variables_are_one_whatever_their_case() -> None:
    run = r.with_env(RunConfig(env=("Path=a", "X=1")), [("PATH", "b"), ("Y", "2=3")])
    assert run.env == ("PATH=b", "X=1", "Y=2=3")
    assert r.env_lookup(run.env, "path") == "b"
    assert r.env_lookup(run.env, "y") == "2=3"
    assert r.env_lookup(run.env, "z") is None


def test_labels_are_replaced_by_exact_name() -> None:
    assert dict(r.with_labels(RunConfig(labels=(("a", "1"), ("A", "2"))), [("a", "3")]).labels) == {"a": "3", "A": "2"}


def test_a_health_check_keeps_its_form_and_numbers() -> None:
    def check(**how: object) -> object:
        facts = {"none": False, "command": ("x",), "json": True, "interval": 1, "timeout": 2, "start_period": 3,
                 "start_interval": 4, "retries": 5}
        return r.with_health(RunConfig(), **{**facts, **how}).healthcheck  # type: ignore[arg-type]

    found = check()
    assert (found.test, found.interval, found.timeout, found.start_period, found.start_interval,  # type: ignore[attr-defined]
            found.retries) == (("CMD", "x"), 1, 2, 3, 4, 5)  # type: ignore[attr-defined]
    assert check(json=False).test == ("CMD-SHELL", "x")  # type: ignore[attr-defined]
    assert check(none=True).test == ("NONE",)  # type: ignore[attr-defined]
