# SPDX-License-Identifier: Apache-2.0
"""A second program in a running container.

Source: moby 26.1 ``api/types/configs.go``, ``api/types/types.go``, ``api/types/backend/backend.go`` (ExecInspect).
"""

from __future__ import annotations

from ..shape import Shape, UInt64, Words, key, shape


@shape("types.ExecConfig")
class ExecCreate(Shape):
    """The body of ``POST /containers/{id}/exec``; ``console_size`` is height and width."""

    user: str = key("User")
    privileged: bool = key("Privileged")
    tty: bool = key("Tty")
    console_size: tuple[UInt64, UInt64] | None = key("ConsoleSize", omitempty=True)
    attach_stdin: bool = key("AttachStdin")
    attach_stderr: bool = key("AttachStderr")
    attach_stdout: bool = key("AttachStdout")
    detach: bool = key("Detach")
    detach_keys: str = key("DetachKeys")
    env: tuple[str, ...] | None = key("Env")
    working_dir: str = key("WorkingDir")
    cmd: Words = key("Cmd")


@shape("types.ExecStartCheck")
class ExecStart(Shape):
    """The body of ``POST /exec/{id}/start``."""

    detach: bool = key("Detach")
    tty: bool = key("Tty")
    console_size: tuple[UInt64, UInt64] | None = key("ConsoleSize", omitempty=True)


@shape("backend.ExecProcessConfig")
class ExecProcess(Shape):
    """What an exec runs."""

    tty: bool = key("tty")
    entrypoint: str = key("entrypoint")
    arguments: tuple[str, ...] = key("arguments")
    privileged: bool | None = key("privileged", omitempty=True)
    user: str = key("user", omitempty=True)


@shape("backend.ExecInspect")
class ExecInspect(Shape):
    """``GET /exec/{id}/json``; no exit code while it runs."""

    id: str = key("ID")
    running: bool = key("Running")
    exit_code: int | None = key("ExitCode")
    process_config: ExecProcess = key("ProcessConfig")
    open_stdin: bool = key("OpenStdin")
    open_stderr: bool = key("OpenStderr")
    open_stdout: bool = key("OpenStdout")
    can_remove: bool = key("CanRemove")
    container_id: str = key("ContainerID")
    detach_keys: str = key("DetachKeys")  #: base64
    pid: int = key("Pid")
