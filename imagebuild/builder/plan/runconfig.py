# SPDX-License-Identifier: Apache-2.0
"""What CMD, ENTRYPOINT, SHELL, ENV and the like do to an image's config, as the Windows engine does it.

Sources: moby ``daemon/builder/dockerfile/dispatchers*.go`` (the classic builder is the only one that ever ran on
Windows hosts, so its ``ArgsEscaped`` and command-line rules are what engines expect), BuildKit
``dockerfile2llb/convert.go`` for the rest. All words arrive expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ...oci import HealthCheck, RunConfig
from ...windows.upcase import fold

DEFAULT_SHELL = ("cmd", "/S", "/C")
"""What a Windows image without SHELL uses (moby ``defaultShellForOS``)."""


def shell_of(run: RunConfig) -> tuple[str, ...]:
    """The shell of shell-form instructions."""
    return run.shell or DEFAULT_SHELL


def command_line(run: RunConfig, command: tuple[str, ...], *, json: bool,
                 original: str) -> tuple[tuple[str, ...], bool]:
    """How CMD or ENTRYPOINT is stored, and its ArgsEscaped.

    The JSON form is an argument vector that the engine quotes. The shell form is *one* string, the shell's words and
    then ``original`` (the text after the keyword) untouched, and marked as already quoted: parsed and quoted again it
    would be another command to cmd.exe.
    """
    if not command:
        return (), run.args_escaped
    if json:
        return command, False
    return (" ".join(shell_of(run)) + " " + original,), True


def with_cmd(run: RunConfig, command: tuple[str, ...], *, json: bool, original: str) -> RunConfig:
    """The config after CMD."""
    words, escaped = command_line(run, command, json=json, original=original)
    return replace(run, cmd=words, args_escaped=escaped)


def with_entrypoint(run: RunConfig, command: tuple[str, ...], *, json: bool, original: str, cmd_set: bool) -> RunConfig:
    """The config after ENTRYPOINT: a CMD that this Dockerfile did not write itself is dropped."""
    words, escaped = command_line(run, command, json=json, original=original)
    return replace(run, entrypoint=words, args_escaped=escaped, cmd=run.cmd if cmd_set else None)


def mixes_forms(run: RunConfig, *, json: bool, other: tuple[str, ...] | None) -> bool:
    """Whether a CMD and an ENTRYPOINT of different forms meet: Windows has one ArgsEscaped for both."""
    return bool(other) and run.args_escaped == json


def env_lookup(env: Iterable[str], name: str) -> str | None:
    """The value of a variable; Windows does not tell ``Path`` from ``PATH``."""
    wanted = fold(name)
    for item in env:
        key, _unused, value = item.partition("=")
        if fold(key) == wanted:
            return value
    return None


def with_env(run: RunConfig, pairs: Iterable[tuple[str, str]]) -> RunConfig:
    """The config after ENV: an equal name, by Windows' case folding, is replaced in its place and spelled anew."""
    env = list(run.env)
    places: dict[str, int] = {}
    for position, item in enumerate(env):
        places.setdefault(fold(item.partition("=")[0]), position)
    for name, value in pairs:
        text = f"{name}={value}"
        position = places.setdefault(fold(name), len(env))
        if position < len(env):
            env[position] = text
        else:
            env.append(text)
    return replace(run, env=tuple(env))


def with_labels(run: RunConfig, pairs: Iterable[tuple[str, str]]) -> RunConfig:
    """The config after LABEL."""
    return replace(run, labels=tuple({**dict(run.labels), **dict(pairs)}.items()))


def with_shell(run: RunConfig, shell: tuple[str, ...]) -> RunConfig:
    """The config after SHELL."""
    return replace(run, shell=shell)


def with_health(run: RunConfig, *, none: bool, command: tuple[str, ...], json: bool, interval: int, timeout: int,
                start_period: int, start_interval: int, retries: int) -> RunConfig:
    """The config after HEALTHCHECK. Durations are nanoseconds."""
    if none:
        return replace(run, healthcheck=HealthCheck(("NONE",)))
    test = ("CMD", *command) if json else ("CMD-SHELL", *command)
    return replace(run, healthcheck=HealthCheck(test, interval, timeout, start_period, start_interval, retries))


def after_keyword(text: str) -> str:
    """The instruction's text behind its keyword, as the classic builder cuts it."""
    return re.sub(r"^\s*\S+[ \t\v\n]*", "", text, count=1)


def without_options(text: str) -> str:
    """``text`` without leading ``--name=value`` words (HEALTHCHECK)."""
    while (found := re.match(r"--\S+[ \t]+", text)) is not None:
        text = text[found.end():]
    return text
