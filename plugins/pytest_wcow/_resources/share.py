# SPDX-License-Identifier: Apache-2.0
"""Containers that several processes use: one for all workers of a run, or one from run to run.

A file for each shared container, written under its lock, names the container and the processes that use it. The last
of them removes it. A process that was killed does not count: its number and its start are compared with what runs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._places import state_folder

if TYPE_CHECKING:
    from imagebuild.containers import Container, Spec

    from .._engines.engine import Engine
    from .._run import Run

LOCK_SECONDS = 600.0


class Shared:
    """The place of one shared container: by the engine, the spec, the fixture and, unless it is reused, the run."""

    def __init__(self, run: Run, engine: Engine, name: str, spec: Spec) -> None:
        self._run, self._engine, self._spec = run, engine, spec
        scope = "reuse" if run.options.reuse else run.id
        text = "\0".join((engine.address, scope, name, repr(spec)))
        self.key = hashlib.sha256(text.encode()).hexdigest()[:24]
        self._file = state_folder() / "shared" / f"{self.key}.json"
        self._file.parent.mkdir(parents=True, exist_ok=True)

    def join(self, make: Callable[[], Container]) -> Container:
        """The container that is there and runs, else a new one; this process uses it from now on."""
        from imagebuild.containers import Container

        with self._locked():
            found = self._read()
            box = None
            if found and self._runs(found["id"]):
                box = Container(self._engine.client, found["id"], self._spec, self._engine.home)
            if box is None:
                found, box = {"users": []}, make()
            users = [one for one in found["users"] if _lives(one)]
            if self._run.worker and self._controller() not in users:
                users.append(self._controller())  # another worker may come when this one has ended
            self._write({"id": box.id, "users": [*users, self._me()],
                         "engine": self._engine.address})
            if box.id in self._run.made:  # from here on the last of its users removes it
                self._run.made[box.id].shared = True
            return box

    def leave(self, end: Callable[[], None]) -> None:
        """This process uses it no longer. The last one removes it, unless it stays for the next run."""
        with self._locked():
            found = self._read()
            users = [one for one in found.get("users", ()) if one != self._me() and _lives(one)]
            if users or self._run.options.reuse:
                self._write({**found, "users": users})
                self._run.made.pop(found.get("id", ""), None)
                return
            if found.get("id") in self._run.made:
                self._run.made[found["id"]].shared = False  # this process removes it, also when it is interrupted now
            with suppress(FileNotFoundError):
                self._file.unlink()
            end()

    def _runs(self, identifier: str) -> bool:
        from imagebuild.containers import differences
        from imagebuild.dockerapi import faults, shapes

        try:
            found = self._engine.client.json("GET", f"/containers/{identifier}/json", shape=shapes.Inspect)
        except faults.NotFound:  # it was removed
            return False
        return found.state.running and not differences(self._spec.with_facts(image=""), found)

    def _me(self) -> list[Any]:
        return [self._run.owner.pid, self._run.owner.started]

    @staticmethod
    def _controller() -> list[Any]:
        """The process of xdist that started this one."""
        from imagebuild.containers import process_start

        return [os.getppid(), process_start(os.getppid()) or ""]

    def _locked(self) -> Any:
        from imagebuild.files import locked

        return locked(Path(f"{self._file}.lock"), LOCK_SECONDS)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError):  # not shared yet, or half written: the caller makes it anew
            return {}
        return found if isinstance(found, dict) and isinstance(found.get("users"), list) else {}

    def _write(self, document: dict[str, Any]) -> None:
        from imagebuild.files import write_whole

        write_whole(self._file, json.dumps(document).encode())


def end_shared(run: Run) -> None:
    """Remove what the workers of this run shared, now that all have ended. For the controller of xdist."""
    from imagebuild.containers import process_start, remove
    from imagebuild.errors import WcowError
    from imagebuild.files import locked

    from .._engines.engine import open_named

    for file in (state_folder() / "shared").glob("*.json"):
        with locked(Path(f"{file}.lock"), LOCK_SECONDS), suppress(FileNotFoundError):
            try:
                found = json.loads(file.read_bytes())
                users = list(found["users"])
            except (ValueError, KeyError, TypeError):
                run.leftovers.append(f"what workers shared cannot be removed, for {file} is damaged: 'wcow sweep' does")
                continue
            me = [os.getpid(), process_start(os.getpid()) or ""]
            others = [one for one in users if one != me and _lives(one)]
            if me not in users or others or run.options.reuse:
                continue
            file.unlink()
            try:
                with closing(open_named(found["engine"])) as engine:
                    left = remove(engine.client, found["id"])
            except WcowError as error:
                run.leftovers.append(f"container {found['id'][:12]}: {error}")
                continue
            if left is not None:
                run.leftovers.append(f"{left.kind} {left.name[:12]}: {left.why}")


def _lives(user: list[Any]) -> bool:
    from imagebuild.containers import process_start

    start = process_start(int(user[0]))
    return start is not None and (not start or start == user[1])
