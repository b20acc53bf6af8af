# SPDX-License-Identifier: Apache-2.0
"""One build from request to image: the only verb of this room that users call.

    request ─ context ─ Dockerfile ─ plan ─ per stage: base → view → per step: changes → layer → image ─ store
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from ...dockerfile import Dockerfile
from ...errors import UsageError, WcowError, quoted
from ...events import Event, Finish, Result, Step, Warn
from ...fetch import Fetched, Fetcher
from ...images.inspect.rootfs import IndexCache, Rootfs
from ...images.library import Found, Library
from ...images.put import promise_layers, put_image
from ...oci import Config, Descriptor, Image, annotate, convert, create, with_base, with_config
from ...windows.filetime import DOS_EPOCH, UNIX_EPOCH, from_iso, to_iso
from ..cache.cache import Cache
from ..cache.key import Memory, Taken
from ..compose.compose import Looks
from ..compose.judge import Judge
from ..context.changes import Change, Row
from ..plan.machine_path import PathReader, asks_for_path, cannot_read, registry_path
from ..plan.plan import (
    Amount,
    BaseFacts,
    Execute,
    Files,
    MakeFolder,
    Note,
    OfImage,
    OfStage,
    Plan,
    PlannedStage,
    Transfer,
    Wanted,
    transfers,
)
from ..plan.planner import make_plan, target_platform
from ..request import BuildRequest
from ..run.blobs import Blobs, Stacked
from ..run.runner import Runner
from .asked import Asked
from .binds import bound
from .commit import Committer
from .gather import Gatherer
from .linux_stages import LinuxBuilder, build_lent, lent_stages, what_helps
from .opening import Contexts
from .stage import StageBuild, located, placed
from .versions import check_versions, other_platform, planned_error
from .view_of import flavour_of, over_nothing, over_table, over_union


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a build works with: where images come from and go, what was learnt before, and how things are fetched.

    ``indexes`` and ``cache`` are folders' worth of things that may be thrown away at any time; ``stat_cache`` is the
    folder of remembered file digests. ``stdin`` is read when the context or the Dockerfile is ``-``. Without ``local``
    contexts and Dockerfiles come from elsewhere only: a client of the engine names no file of this machine. ``runner``
    executes RUN, and ``linux`` finds what builds stages for Linux.
    """

    library: Library
    indexes: IndexCache
    cache: Cache
    fetcher: Fetcher
    stat_cache: Path | None = None
    stdin: BinaryIO | None = None
    local: bool = True
    runner: Runner | None = None
    linux: Callable[[], LinuxBuilder | None] | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """What a build made: the image, its descriptor, where its layers come from, and the plan it followed.

    ``bases`` are the images that were built on or read from. ``taken`` are the files of build contexts that went in,
    with their digests, ``fetched`` what was downloaded or cloned, with its digest or commit, and ``by_run`` what each
    RUN downloaded, by ``id(step)``, as far as that is known.
    """

    image: Image
    descriptor: Descriptor
    plan: Plan
    bases: tuple[Found, ...] = ()
    taken: Taken = field(default_factory=Taken)
    fetched: tuple[tuple[str, str], ...] = ()
    by_run: Mapping[int, tuple[Fetched, ...]] = field(default_factory=dict)


def plan_only(request: BuildRequest, shop: Workshop) -> Iterator[Event]:
    """What :func:`build` would do; the result is the :class:`Plan`. Fetches configs, never a layer."""
    with ExitStack() as stack:
        build = Build(request, shop, Shared.open(request, shop, stack))
        plan = yield from build.plan()
        plan = yield from build.measured(plan)
        yield Result(plan)


def build(request: BuildRequest, shop: Workshop) -> Iterator[Event]:
    """Build an image into the local store, unnamed; the result is a :class:`Built`.

    Raises DockerfileError, ContextError and the errors of the stores. Whatever happens, the local store holds only
    whole blobs, and temporary files are gone.
    """
    with ExitStack() as stack:
        built = yield from Build(request, shop, Shared.open(request, shop, stack)).run()
        yield Result(built, {"digest": str(built.descriptor.digest), "config": str(built.image.manifest.config.digest)})


@dataclass(slots=True)
class Shared:
    """What several builds of one context have in common: opened contexts, images looked up, files hashed."""

    contexts: Contexts
    scratch: Path
    stack: ExitStack
    found: dict[Wanted, Found] = field(default_factory=dict)
    rootfs: dict[str, Rootfs] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    changes: dict[Hashable, list[Change | Row]] = field(default_factory=dict)
    lent: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, request: BuildRequest, shop: Workshop, stack: ExitStack) -> Shared:
        """For builds that end with ``stack``, which removes every temporary file."""
        scratch = Path(tempfile.mkdtemp(prefix="wcow-build-"))
        stack.callback(shutil.rmtree, scratch, ignore_errors=True)
        return cls(Contexts(request, shop.fetcher, stack, scratch, shop.stat_cache, shop.stdin, shop.local), scratch,
                   stack)


class Build:
    """One build for one platform. Several may share what they find and learn."""

    def __init__(self, request: BuildRequest, shop: Workshop, shared: Shared) -> None:
        self._request = request
        self._shop = shop
        self._shared = shared
        self._found = shared.found
        self._stages: dict[int, StageBuild] = {}
        self._asked = Asked.of(request)
        self._used: set[Wanted] = set()
        self._prefer = ""  # the Windows version of the image's base, for the other images that are read

    def plan(self, *, tell: bool = True) -> Generator[Event, None, Plan]:
        """Read the Dockerfile and plan, looking up configs until nothing is missing. With ``tell``, the plan's notes
        are warnings."""
        self._shared.contexts.check_named()
        dockerfile = self._shared.contexts.dockerfile()
        images: dict[Wanted, BaseFacts] = {}
        while True:
            plan = make_plan(dockerfile, self._request, images)
            if isinstance(plan, Plan):
                break
            failed: list[WcowError] = []
            for wanted, asking in zip(plan.images, plan.asked, strict=True):
                try:
                    found = yield from self._find(wanted)
                except WcowError as error:
                    failed.append(placed(error, asking))
                    continue
                path = None
                if found.image.config.os == "windows":
                    path = yield from self._path_reader(dockerfile, found)
                images[wanted] = BaseFacts(found.image.config, path)
            if failed:  # all that cannot be had is told at once; the first is the error
                for other in failed[1:]:
                    yield Warn(str(other), code="no-base")
                raise failed[0]
        check_versions(plan, self._found, target_platform(self._request).os_version)
        for note in plan.notes if tell else ():
            yield Warn(note.text, f"{plan.file}:{note.line}" if note.line else plan.file, note.code)
        return plan

    def base(self) -> Generator[Event, None, Found | None]:
        """The image at the bottom of what would be built; ``None`` is scratch."""
        plan = yield from self.plan()
        by_index = {stage.index: stage for stage in plan.stages}
        stage = plan.target()
        while isinstance(stage.base, OfStage):
            stage = by_index[stage.base.index]
        return self._found[stage.base] if stage.base is not None else None

    def measured(self, plan: Plan) -> Generator[Event, None, Plan]:
        """The plan with the number and size of what each COPY and ADD takes from a build context.

        What a build would stop at is a warning here, and one of the plan's problems: people plan before everything
        is there. Of an image that files come from only the config is looked up.
        """
        gatherer = Gatherer(self._shared.contexts, self._origin_rootfs)
        sizes: dict[int, Amount] = {}
        problems: list[Note] = []
        self._prefer = plan.target().platform.os_version
        for stage in plan.stages:
            for step in stage.steps:
                place, amount = step.instruction.place, None
                try:
                    for taken in transfers(step):
                        amount = gatherer.measure(taken)
                        for wanted in _images_of(taken):
                            yield from self._find(wanted)
                except WcowError as error:
                    problems.append(Note("cannot-copy", str(error), place.line))
                    yield Warn(str(error), f"{place.file}:{place.line}", "cannot-copy")
                    continue
                if amount is not None and isinstance(step, Transfer):
                    sizes[id(step)] = amount
        return replace(plan, amounts=sizes, problems=tuple(problems))

    def run(self) -> Generator[Event, None, Built]:
        """Plan, then build stage after stage."""
        plan = yield from self.plan()
        self._refuse_runs(plan)
        if lent := lent_stages(plan):
            plan = yield from self._lend(plan, lent)
        self._prefer = plan.target().platform.os_version
        self._shipped = plan.shipped()
        for planned in plan.stages:
            yield from self._stage(planned, last=planned is plan.target())
        final = self._stages[plan.target().index]
        image = annotate(final.image, self._request.annotations)
        yield from Judge(self._request.lint).image(image)
        yield from promise_layers(self._shop.library.local, image, self._found.values())
        descriptor = put_image(self._shop.library.local, image)
        used = tuple(found for wanted, found in self._found.items() if wanted in self._used)
        fetched = tuple(sorted(self._shared.contexts.fetched.items()))
        by_run = {step: found for stage in self._stages.values() for step, found in stage.fetched.items()}
        return Built(image, descriptor, plan, used, self._shared.memory.taken(), fetched, by_run)

    def _lend(self, plan: Plan, lent: list[PlannedStage]) -> Generator[Event, None, Plan]:
        """Have the stages for Linux built, and plan again with their files in their place."""
        yield from build_lent(plan, lent, self._request, self._shared.contexts, self._shared.lent,
                              self._shop.linux() if self._shop.linux is not None else None)
        self._request = replace(self._request,
                                build_contexts=(*self._request.build_contexts, *self._shared.lent.items()))
        return (yield from self.plan(tell=False))

    def _refuse_runs(self, plan: Plan) -> None:
        for stage, step, why in plan.refused():
            name = f"stage {quoted(stage.name)}" if stage.name else f"stage {stage.index}"
            system = stage.platform.os
            raise step.instruction.error(
                f"cannot be executed ({name}, {system})", why=why,
                hint=f"{what_helps(stage)}; 'wcow plan' shows every RUN")

    def _find(self, wanted: Wanted) -> Generator[Event, None, Found]:
        """The image behind a name, once per build."""
        self._used.add(wanted)
        if wanted not in self._found:
            step = f"find {wanted.name} {wanted.platform}"
            yield Step(step, f"looking up {wanted.name}")
            found = self._shop.library.find(wanted.name, wanted.platform, pull=self._request.pull,
                                            prefer=self._prefer)
            self._found[wanted] = found
            yield Finish(step, f"{found.descriptor.digest.hex[:12]} {found.image.config.platform}")
            if len(found.choices) > 1 and not wanted.platform.os_version and not self._prefer:
                versions = ", ".join(entry.platform.os_version for entry in found.choices
                                     if entry.platform and entry.platform.os_version)
                yield Warn(f"{wanted.name} has several Windows versions ({versions}); the first is taken",
                           code="many-versions")
            yield from other_platform(wanted, found)
        return self._found[wanted]

    def _path_reader(self, dockerfile: Dockerfile, found: Found) -> Generator[Event, None, PathReader | None]:
        """How PATH of a base is read, when the Dockerfile asks for it: its registry is looked at only then."""
        if not asks_for_path(dockerfile):
            return None
        if self._request.base_metadata == "known":
            return cannot_read("with --base-metadata known the base's registry is not looked at")
        rootfs = yield from self._index(found)
        return lambda: registry_path(rootfs)

    def _index(self, found: Found) -> Generator[Event, None, Rootfs]:
        """The file system of an image, indexed."""
        key = str(found.descriptor.digest)
        if key not in self._shared.rootfs:
            self._shared.rootfs[key] = Rootfs(found.image, found.store, self._shop.indexes, name=found.name)
            self._shared.stack.callback(self._shared.rootfs[key].close)
            yield from self._shared.rootfs[key].prepare()
        return self._shared.rootfs[key]

    def _stage(self, planned: PlannedStage, *, last: bool) -> Iterator[Event]:
        stage = yield from self._begin(planned, last)
        self._stages[planned.index] = stage
        gatherer = Gatherer(self._shared.contexts, self._origin_rootfs, self._shared.changes)
        for step in planned.steps:
            try:
                if isinstance(step, MakeFolder):
                    yield from stage.apply(gatherer.folder(step, stage.view), step.text)
                elif isinstance(step, Transfer):
                    changes = yield from gatherer.transfer(step, stage.view)
                    yield from stage.apply(changes, step.text)
                elif isinstance(step, Execute):
                    yield from self._execute(stage, (yield from bound(step, stage, gatherer)))
                else:
                    yield from stage.configure(step)
            except WcowError as error:
                raise located(error, step) from error
        yield from stage.finish(planned.run)
        if last:
            yield from stage.extras(self._asked.junctions)

    def _execute(self, stage: StageBuild, step: Execute) -> Generator[Event, None, None]:
        """A RUN; what it changed is looked at anew, for the steps that follow."""
        runner = self._shop.runner
        assert runner is not None, "plan.refused() names what nothing executes"
        changed = yield from stage.execute(step, runner, self._blobs())
        if changed:
            rootfs = Rootfs(stage.image, self._blobs(), self._shop.indexes, name=stage.planned.title())
            self._shared.stack.callback(rootfs.close)
            yield from rootfs.prepare()
            stage.view = over_union(rootfs.union(), stage.image.config, stage.planned.title())

    def _blobs(self) -> Blobs:
        return Stacked((self._shop.library.local, *(found.store for found in self._found.values())))

    def _begin(self, planned: PlannedStage, last: bool) -> Generator[Event, None, StageBuild]:
        """A stage before its first step."""
        rootfs: Rootfs | None = None
        base = planned.base
        if isinstance(base, OfStage):
            before = self._stages[base.index]
            image, view, epoch = before.image, before.view.copy(), before.looks.epoch
            rootfs, from_scratch = before.base_rootfs, before.from_scratch
            if image.config.os != planned.platform.os:
                raise UsageError(f"stage {planned.title()} cannot change the platform of its base")
        elif base is None:
            epoch = self._epoch("")
            config = Config(os=planned.platform.os, architecture=planned.platform.architecture,
                            os_version=planned.platform.os_version, os_features=planned.platform.os_features,
                            created=to_iso(epoch))
            image, view = create(config), over_nothing()
            from_scratch = planned.index in self._shipped  # a stage that only lends files is no base
        else:
            found = self._found[base]
            epoch = self._epoch(found.image.config.created)
            image, from_scratch = _onto(found, epoch), False
            if planned.platform.os != "windows" or not _writes(planned):
                view = over_nothing()
            elif self._request.base_metadata == "known":
                view = over_table(flavour_of(image.config, found.name), image.config)
            else:
                rootfs = yield from self._index(found)
                view = over_union(rootfs.union(), image.config, found.name)
            if planned.platform.os != "windows" and _writes(planned):
                raise planned_error(planned, f"cannot write into a {planned.platform.os} stage",
                                    "wcow builds Windows stages and only reads files from others",
                                    f"give the files with --build-context {planned.name or 'NAME'}=DIR")
        looks = Looks(epoch=epoch, source_times=self._request.timestamps == "source",
                      acls=self._asked.acls if last else {}, shown=self._asked.shown,
                      attributes=self._asked.attributes if last else {})
        cache = Cache(None) if self._request.no_cache else self._shop.cache
        committer = Committer(self._shop.library.local, cache, self._shared.memory, self._request.compression,
                              self._shared.scratch, Judge(self._request.lint))
        return StageBuild(planned, image, view, looks, committer, from_scratch, rootfs)

    def _epoch(self, created: str) -> int:
        """The FILETIME of new things: SOURCE_DATE_EPOCH, else the base's creation time, else 1980."""
        if self._request.epoch is not None:
            return UNIX_EPOCH + self._request.epoch * 10_000_000
        if created:
            try:
                moment = from_iso(created)
            except WcowError:
                return DOS_EPOCH
            if moment > DOS_EPOCH:  # Go's zero time, year 1, means "not said"
                return moment
        return DOS_EPOCH

    def _origin_rootfs(self, origin: OfStage | Wanted) -> Generator[Event, None, Rootfs]:
        """The files of an earlier stage or of an image, for COPY --from."""
        if isinstance(origin, OfStage):
            stage = self._stages[origin.index]
            store = self._blobs()
            image = stage.image
            if self._request.base_metadata == "known" and stage.own_layers:  # the base's layers are not to be read
                image = only_top(image, stage.own_layers)
            rootfs = Rootfs(image, store, self._shop.indexes, name=stage.planned.title())
            self._shared.stack.callback(rootfs.close)
            yield from rootfs.prepare()
            return rootfs
        found = yield from self._find(origin)
        return (yield from self._index(found))


def _images_of(step: Transfer) -> Iterator[Wanted]:
    """The images that a COPY takes files from."""
    for source in step.sources:
        if isinstance(source, Files) and isinstance(source.origin, OfImage):
            yield source.origin.image


def _writes(planned: PlannedStage) -> bool:
    return any(isinstance(step, MakeFolder | Transfer) for step in planned.steps)


def _onto(found: Found, epoch: int) -> Image:
    """A new image with a base's layers and config, and a note of where they come from."""
    image = convert(found.image, "oci")
    image = create(image.config, layers=image.layers)
    image = with_config(image, created=to_iso(epoch), author="")
    reference = found.location.reference
    if reference is None or found.location.transport == "docker-daemon":
        return image
    return with_base(image, str(reference.tagged()), found.descriptor.digest)


def only_top(image: Image, count: int) -> Image:
    """The image without all but its ``count`` uppermost layers."""
    config = replace(image.config, diff_ids=image.diff_ids[-count:])
    return create(config, layers=image.layers[-count:])
