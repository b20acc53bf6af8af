# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs in containers, and copies into and out of them."""

from __future__ import annotations

import hashlib
import ntpath
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ....imagebuild.containers import (
    CommandError,
    Container,
    Outcome,
    Spec,
    Ways,
    cmd_words,
    powershell_words,
    run_program,
)
from ....imagebuild.dockerapi import faults
from ....imagebuild.errors import NotFoundError
from ....imagebuild.windows import status
from .._task import Plan, Task, TaskError
from . import container as _container

NTSTATUS = 0x4000_0000


def container_exec(task: Task) -> dict[str, Any]:
    """``wcow.containers.container_exec``."""
    name, argv, text, script = (task.text("container"), task.args["argv"], task.text("command"),
                                task.text("powershell"))
    environ: dict[str, str] = {}
    if argv:
        words = tuple(map(str, argv))
    elif text:
        words, environ = cmd_words(text)
    else:
        words = powershell_words(script)
    _expect_running(task, name)
    creates = task.text("creates")
    if creates and _exists(task, name, creates):
        return {"changed": False, "actions": [], "rc": 0, "stdout": "", "stderr": "", "stdout_lines": [],
                "stderr_lines": [], "msg": f"{creates} exists"}
    if task.check:
        return {"changed": True, "actions": [f"run {words[0]}"]}
    ways = Ways(environ={**environ, **{key: str(value) for key, value in (task.args["env"] or {}).items()}},
                workdir=task.text("chdir"), user=task.text("user"), stdin=task.text("stdin").encode(),
                timeout=float(task.args["exec_timeout"]))
    try:
        done = run_program(task.client, name, words, ways)
    except CommandError as error:
        raise TaskError(". ".join(error.lines()), rc=error.outcome.exit_code) from error
    result = {"changed": True, "actions": [f"run {words[0]}"], **outcome(done)}
    if done.exit_code not in (task.args["success_codes"] or [0]):
        raise TaskError(f"{words[0]} ended with {done.exit_code}" + (f" ({done.status})" if done.status else ""),
                        **result)
    return result


def outcome(done: Outcome) -> dict[str, Any]:
    """What a program left, by the names that Ansible's own modules use."""
    found = status.find(done.exit_code) if done.exit_code >= NTSTATUS else None
    return {"rc": done.exit_code, "stdout": done.stdout, "stderr": done.stderr,
            "stdout_lines": done.stdout.splitlines(), "stderr_lines": done.stderr.splitlines(),
            **({"ntstatus": found.name} if found is not None else {})}


def container_copy(task: Task) -> dict[str, Any]:
    """``wcow.containers.container_copy``."""
    name, target = task.text("container"), task.text("path")
    there = _container.find(task.client, name)
    if there is None:
        raise TaskError(f"there is no container {name}")
    box = Container(task.client, there.id, Spec(image=there.config.image))
    if task.args["fetch"]:
        return _fetch(task, box, target)
    plan = Plan()
    if task.args["content"] is not None:
        data = task.text("content").encode()
        if _read(box, target) != data:
            plan.differs(target, _digest(_read(box, target)), _digest(data))
            plan.add(f"write {target}", lambda: box.path(target).write_bytes(data))
        return {**plan.run(task), "path": target, "sha256": _digest(data)}
    source = Path(task.text("src"))
    if not source.exists():
        raise TaskError(f"cannot copy {source}: nothing is there on the control node")
    for file, inside in _files(source, target):
        if _read(box, inside) != file.read_bytes():
            plan.differs(inside, _digest(_read(box, inside)), _digest(file.read_bytes()))
    if plan.after or (source.is_dir() and not _is_there(box, target)):
        plan.add(f"copy {source}", lambda: box.copy_in(source, target))
    return {**plan.run(task), "path": target}


def _fetch(task: Task, box: Container, source: str) -> dict[str, Any]:
    target = Path(task.text("src"))
    data = _read(box, source)
    plan = Plan()

    def fetch() -> None:
        try:
            box.copy_out(source, target)
        except OSError as error:
            raise TaskError(f"cannot write {target}: {error.strerror or error}") from error

    if data is not None:
        if not target.is_file() or target.read_bytes() != data:
            plan.differs(str(target), _digest(target.read_bytes()) if target.is_file() else None, _digest(data))
            plan.add(f"fetch {source}", fetch)
    else:
        if not _is_there(box, source):
            raise TaskError(f"cannot fetch {source}: it is not in the container")
        if not target.exists():
            plan.differs(str(target), None, source)
            plan.add(f"fetch {source}", fetch)
    return {**plan.run(task), "path": source}


def _files(source: Path, target: str) -> Iterator[tuple[Path, str]]:
    if source.is_file():
        yield source, target
        return
    for folder, _folders, names in os.walk(source):
        for name in names:
            path = Path(folder) / name
            if path.is_file():
                yield path, ntpath.join(target, *path.relative_to(source).parts)


def _read(box: Container, path: str) -> bytes | None:
    """A file of the container, ``None`` when there is none."""
    try:
        return box.path(path).read_bytes()
    except (NotFoundError, faults.NotFound, OSError):
        return None


def _is_there(box: Container, path: str) -> bool:
    return bool(box.path(path).exists())


def _exists(task: Task, name: str, path: str) -> bool:
    there = _container.find(task.client, name)
    return there is not None and _is_there(Container(task.client, there.id, Spec(image=there.config.image)), path)


def _expect_running(task: Task, name: str) -> None:
    there = _container.find(task.client, name)
    if there is None:
        raise TaskError(f"there is no container {name}")
    if not there.state.running:
        raise TaskError(f"the container {name} does not run: it is {there.state.status}, and ended with"
                        f" {there.state.exit_code & 0xFFFF_FFFF}")


def _digest(data: bytes | None) -> str | None:
    return None if data is None else f"sha256:{hashlib.sha256(data).hexdigest()}"
