# SPDX-License-Identifier: Apache-2.0
"""One stage while it is built: its image so far, its view, and how changes become its next layer."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace

from ...codec import Compression
from ...dockerfile.instructions import Instruction
from ...errors import ContextError, WcowError
from ...events import Event, Finish, Step
from ...fetch import Fetched
from ...images.bases.base import BaseRequest, entries
from ...images.inspect.rootfs import Rootfs
from ...layer import Kind
from ...lint.hives import CONFIG
from ...oci import Digest, History, Image, RunConfig, add_history, append, insert, with_config
from ...windows.filetime import to_iso
from ...windows.names import join
from ...windows.upcase import fold
from ..cache.cache import key_of
from ..compose.compose import Composer, Looks
from ..compose.view import View, components, layer_path
from ..context.changes import Change, Changes, Later, Row
from ..plan.plan import Execute, PlannedStage
from ..plan.plan import Step as PlannedStep
from ..run.blobs import Blobs
from ..run.layers import settled
from ..run.runner import Runner
from .commit import Committer


@dataclass(slots=True)
class StageBuild:
    """A stage in progress. ``from_scratch`` until its first layer, which is then a base layer. ``fetched`` is what each
    RUN downloaded, by ``id(step)``, as far as that is known."""

    planned: PlannedStage
    image: Image
    view: View
    looks: Looks
    committer: Committer
    from_scratch: bool
    base_rootfs: Rootfs | None = None
    own_layers: int = 0
    fetched: dict[int, tuple[Fetched, ...]] = field(default_factory=dict)
    _numbers: int = field(default=0)
    _told: list[History] = field(default_factory=list)

    def configure(self, step: PlannedStep) -> Generator[Event, None, None]:
        """A step that changes only the config."""
        self._told.append(self._history(step.text, empty=True))
        yield from ()

    def _tell(self) -> None:
        """Put what was only said so far into the image: all at once, since each time the whole config is made anew."""
        if self._told:
            self.image = add_history(self.image, *self._told)
            self._told.clear()

    def apply(self, changes: Changes, text: str) -> Generator[Event, None, None]:
        """Put changes on top as one layer; a step that changes nothing leaves only its line in the history."""
        if self.from_scratch:
            changes = self._with_hives(changes)
        composed = Composer(self.view, self.looks).compose(changes)
        if composed.is_empty():
            yield from self._nothing(text)
            return
        self._numbers += 1
        step = f"layer {self.planned.index}.{self._numbers}"
        layer = yield from self.committer.commit(composed, base=self.from_scratch, epoch=self.looks.epoch,
                                                 title=self._title(text), step=step)
        self.view.add([*composed.parents, *(what for what, _unused in composed.fresh)])
        self._tell()
        self.image = append(self.image, layer.descriptor, layer.diff_id, self._history(text))
        self.from_scratch = False
        self.own_layers += 1

    def execute(self, step: Execute, runner: Runner, blobs: Blobs) -> Generator[Event, None, bool]:
        """Run a command over the image so far; return whether it changed anything. RunError, ToolError."""
        self._numbers += 1
        name = f"layer {self.planned.index}.{self._numbers}"
        yield Step(name, self._title(step.text))
        self._tell()
        before = with_config(self.image, run=step.run)
        key, cache = run_key(before, step, self.looks.epoch, self.committer.compression), self.committer.cache
        made = cache.get_run(key)
        fetched = cache.get_fetched(key)
        cached = made is not None and all(self.committer.store.has_blob(one.descriptor) for one in made) \
            and runner.counts(step, fetched)
        if made is None or not cached:
            changed = yield from runner.execute(before, blobs, step, name)
            made = settled(changed, self.committer.store, self.looks.epoch, self.committer.compression)
            fetched = runner.fetched
            cache.put_run(key, made, fetched)
        self.fetched[id(step)] = fetched or ()
        self.image = before
        for one in made:
            self.image = insert(self.image, one.position, one.descriptor, one.diff_id, self._history(step.text))
        if not made:
            self._told.append(self._history(step.text, empty=True))
        self.own_layers += len(made)
        yield Finish(name, "cached" if cached else "" if made else "nothing to change")
        return bool(made)

    def _nothing(self, text: str) -> Generator[Event, None, None]:
        self._numbers += 1
        step = f"layer {self.planned.index}.{self._numbers}"
        yield Step(step, self._title(text))
        yield Finish(step, "nothing to change")
        self._told.append(self._history(text, empty=True))
        self._tell()

    def finish(self, run: RunConfig) -> Generator[Event, None, None]:
        """The stage's config as planned; a scratch image without any file still gets its base layer."""
        if self.from_scratch and self.planned.platform.os == "windows":
            yield from self.apply(Changes(()), "base layer with empty hives")
        self._tell()
        self.image = with_config(self.image, run=run)
        if self.planned.author:
            self.image = with_config(self.image, author=self.planned.author)

    def extras(self, junctions: list[tuple[tuple[str, ...], str]]) -> Generator[Event, None, None]:
        """``--junction``, and what ``--acl`` and ``--attr`` ask for paths that no step of the stage wrote."""
        items = [Change(path, Kind.JUNCTION, target=target) for path, target in junctions]
        words = [f"--junction {join(path)}={target}" for path, target in junctions]
        for key in sorted({*self.looks.acls, *self.looks.attributes}):
            item = self._asked(key)
            if item is not None:
                items.append(item)
                flags = ("--acl", key in self.looks.acls), ("--attr", key in self.looks.attributes)
                words += [f"{flag} {join(item.path)}" for flag, asked in flags if asked]
        if items:
            yield from self.apply(Changes(tuple(items)), " ".join(words))

    def _asked(self, key: str) -> Change | None:
        entry = self.view.get(components(key))
        if entry is None:
            raise ContextError(f"cannot set an ACL or attributes of {self.looks.shown.get(key, key)}",
                               why="the image has no such file or folder", hint="paths are as in the image: C:\\app\\x")
        if self.view.is_own(key):
            return None
        path = components(entry.path)
        if entry.kind is Kind.DIRECTORY:
            return Change(path, Kind.DIRECTORY)
        if entry.kind is not Kind.FILE or self.base_rootfs is None:
            raise ContextError(f"cannot set an ACL or attributes of {join(components(entry.path))}",
                               why=f"it is a {entry.kind.value} of the base, which would have to be written anew")
        found = self.base_rootfs.union().get(entry.path)
        assert found is not None
        return Change(path, Kind.FILE, self.base_rootfs.size(found), Later(self.base_rootfs, entry.path),
                      identity=self.base_rootfs.identity(found))

    def _with_hives(self, changes: Changes) -> Changes:
        """The changes of a base layer: with the five hives, but for those that are copied in."""
        config = fold(CONFIG)
        there = {fold(layer_path(one.path)) for change in changes.items if _folder_of(change) == config
                 for one in (change.singles() if isinstance(change, Row) else (change,))}
        request = BaseRequest(epoch=self.looks.epoch, compression=self.committer.compression)
        hives = []
        for entry, content in entries(request):
            if content is not None and fold(entry.path) not in there:
                hives.append(Change(components(entry.path), Kind.FILE, len(content), content, Digest.of(content),
                                    attributes=entry.attributes, security=entry.security, times=entry.times))
        return replace(changes, items=(*changes.items, *hives))

    def _title(self, text: str) -> str:
        return f"[{self.planned.title()}] {text}"

    def _history(self, text: str, *, empty: bool = False) -> History:
        return History(created=to_iso(self.looks.epoch), created_by=text, comment="wcow", empty_layer=empty)


def run_key(image: Image, step: Execute, epoch: int, compression: Compression) -> str:
    """The key of a RUN in the cache: what lies below, its words, its variables, the way, how its layers are kept.
    Of secrets the names count, and not the values."""
    run = step.run
    return key_of(below=[str(one) for one in image.diff_ids], words=step.words, escaped=step.escaped,
                  variables=step.variables, env=run.env, user=run.user, folder=run.working_dir, network=step.network,
                  **({"mounts": [[one.kind, one.target, one.id, one.read_only,
                                  [str(layer) for layer in one.image.diff_ids] if one.image else []]
                                 for one in step.mounts]} if step.mounts else {}),
                  **({"secrets": [[one.id, one.target, one.env] for one in step.secrets]} if step.secrets else {}),
                  system=str(image.config.platform), way=step.way, epoch=epoch, compression=str(compression))


def _folder_of(change: Change | Row) -> str:
    """The folded layer path of the folder that a change, or a row of them, is in."""
    return fold(layer_path(change.path if isinstance(change, Row) else change.path[:-1]))


def located(error: WcowError, step: PlannedStep) -> WcowError:
    """An error of a step with the line of its instruction in front."""
    return placed(error, step.instruction)


def placed(error: WcowError, instruction: Instruction) -> WcowError:
    """An error with the file, the line and the name of an instruction in front, unless it names a line already."""
    if not hasattr(error, "line"):
        error.what = f"{instruction.place.file}:{instruction.place.line}: {instruction.keyword}: {error.what}"
    return error
