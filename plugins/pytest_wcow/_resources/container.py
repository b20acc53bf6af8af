# SPDX-License-Identifier: Apache-2.0
"""Make the container that a fixture wants: hooks, compatibility, mounts, start, waits; and its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from .._engines.images import image_document
from .._report.artifacts import write_artifacts
from .._run import Made
from .._signals import held

if TYPE_CHECKING:
    from imagebuild.containers import Container, Spec

    from .._engines.engine import Engine
    from .._run import Run


def make(run: Run, engine: Engine, request: pytest.FixtureRequest, spec: Spec, *, wait: Any = None,
         timeout: float = 60.0, shared: bool = False) -> Container:
    """Create, start and wait for a container. Raises a WcowError of what went wrong; skips where its image does not run
    on the host. One that is ``shared`` belongs to the whole run, not to this process."""
    from imagebuild.containers import create_container

    for other in request.config.hook.pytest_wcow_configure_container(spec=spec, engine=engine, request=request):
        spec = other or spec
    spec = marked(spec, request)
    image = image_document(run, engine, spec.image)
    spec = _fitted(run, engine, request, spec, image)
    spec, uploads = _mounted(run, engine, spec)
    test, spec_id = request.node.nodeid, str(spec)
    kept = run.options.keep or (shared and run.options.reuse)
    owner = run.whole_owner if shared else run.owner
    marks = owner.labels(test=test, worker=run.worker, **({"keep": "1"} if kept else {}))
    spec = replace(spec, labels=(*marks, *spec.labels))
    with run.span("create", spec_id, test), held():
        box = create_container(engine.client, spec, engine.home)
        run.made[box.id] = made = Made(box, test, request.fixturename or "", image=image)
    try:
        _decoding(box, request.config)
        with run.span("start", spec_id, test) as span:
            box.start(engine.starts)
        made.seconds = span.end - span.begin
        for source, target in uploads:
            box.copy_in(source, target)
        strategies = [*_strategies(request, spec, engine), *(_many(wait))]
        if strategies:
            with run.span("wait", spec_id, test):
                box.wait_for(*strategies, timeout=timeout)
    except BaseException:
        end(run, engine, box)
        raise
    request.config.hook.pytest_wcow_container_started(container=box, engine=engine, request=request)
    return box


def joined(run: Run, engine: Engine, request: pytest.FixtureRequest, box: Container) -> None:
    """Note a container that another process made and this one uses, too: reports and hooks treat it as its own."""
    if box.id not in run.made:
        image = image_document(run, engine, box.spec.image)
        run.made[box.id] = Made(box, request.node.nodeid, request.fixturename or "", shared=True, image=image)
        _decoding(box, request.config)


def end(run: Run, engine: Engine, box: Container) -> None:
    """Remove a container, unless it is kept; what is left is told in the summary and fails no test.

    Until it is removed the run knows of it: when this is interrupted, the end of the session removes it.
    """
    made = run.made.get(box.id)
    if made is None:
        return
    try:
        if not made.ending:
            made.ending = True
            run.config.hook.pytest_wcow_container_stopped(container=box, engine=engine, failed=made.failed)
            write_artifacts(run, made)
    finally:
        _remove(run, engine, made)


def _remove(run: Run, engine: Engine, made: Made) -> None:
    box = made.container
    box.close()
    if run.options.keep and made.failed:
        run.leftovers.append(f"kept container {box.id[:12]} of {made.test}: "
                             f"docker exec -it {box.id[:12]} cmd (DOCKER_HOST={engine.address})")
    else:
        with run.span("stop", str(box.spec), made.test):
            left = box.remove()
        if left is not None:
            run.leftovers.append(f"{left.kind} {left.name[:12]} of {made.test} stays: {left.why}")
    run.made.pop(box.id, None)


def marked(spec: Spec, request: pytest.FixtureRequest) -> Spec:
    """The spec with the isolation that a marker of the test asks for."""
    mark = request.node.get_closest_marker("isolation")
    if mark is not None and not spec.isolation:
        return spec.with_facts(isolation=mark.args[0])
    return spec


def _fitted(run: Run, engine: Engine, request: pytest.FixtureRequest, spec: Spec, image: dict[str, Any]) -> Spec:
    """Compare image and host: the spec with the isolation in which it runs, or a skipped test."""
    from imagebuild.compat import ImageFacts, check, from_docker
    from imagebuild.errors import quoted

    facts = ImageFacts(image.get("Os", ""), image.get("Architecture", ""), image.get("OsVersion", ""), name=spec.image)
    host = from_docker(engine.document)
    report = check(host, facts, spec.isolation or None)
    decided = request.config.hook.pytest_wcow_compat(report=report, spec=spec, engine=engine)
    if decided not in (None, "run", "process", "hyperv", "skip"):
        raise pytest.UsageError(f"pytest_wcow_compat returned {quoted(decided)}; it has to be run, process, hyperv or "
                                "skip")
    if decided in ("process", "hyperv"):
        return spec.with_facts(isolation=decided)
    if decided == "skip" or (decided is None and report.runs == "no"):
        other = check(host, facts, "hyperv") if decided is None and not spec.isolation else None
        if other is not None and other.runs in ("yes", "likely"):
            return spec.with_facts(isolation="hyperv")
        pytest.skip("\n".join((report.summary, *report.remedies)))
    return spec


def _mounted(run: Run, engine: Engine, spec: Spec) -> tuple[Spec, list[tuple[Any, str]]]:
    """The spec with mounts that a Windows engine takes, and the folders that are uploaded after the start."""
    from imagebuild.containers import prepare_mounts

    mounts, uploads = prepare_mounts(spec.mounts, engine.home, run.staging)
    return replace(spec, mounts=mounts), uploads


def _strategies(request: pytest.FixtureRequest, spec: Spec, engine: Engine) -> list[Any]:
    found = request.config.hook.pytest_wcow_wait_strategies(spec=spec, engine=engine)
    return [one for many in found for one in many or ()]


def _many(wait: Any) -> list[Any]:
    if wait is None:
        return []
    return list(wait) if isinstance(wait, list | tuple) else [wait]


def _decoding(box: Container, config: pytest.Config) -> None:
    """Let the hook decode what the container's programs print, where one is implemented."""
    usual = box.decode
    if not config.hook.pytest_wcow_decode.get_hookimpls():
        return

    def decode(data: bytes) -> str:
        found = config.hook.pytest_wcow_decode(data=data, container=box)
        return usual(data) if found is None else str(found)

    box.decode = decode
