# SPDX-License-Identifier: Apache-2.0
"""Configs of images and containers made of each other.

Source: moby ``daemon/commit.go``, ``builder/dockerfile/builder.go``.
"""

from __future__ import annotations

from dataclasses import replace

from ...builder.plan.plan import BaseFacts, Plan
from ...builder.plan.planner import make_plan
from ...builder.request import BuildRequest
from ...dockerapi import faults, gojson
from ...dockerapi.shapes import Config as ConfigShape
from ...dockerfile import parse
from ...errors import WcowError
from ...oci import Config, HealthCheck, RunConfig
from ...oci.document import read

ALLOWED = ("CMD", "ENTRYPOINT", "HEALTHCHECK", "ENV", "EXPOSE", "LABEL", "ONBUILD", "STOPSIGNAL", "USER", "VOLUME",
           "WORKDIR")
"""The instructions that ``--change`` takes."""


def run_of(config: ConfigShape) -> RunConfig:
    """The part of a container's config that an image has."""
    run = RunConfig.from_object(read(gojson.dumps(config), source="config"))
    return replace(run, extra=())


def changed_by(run: RunConfig, instructions: tuple[str, ...], image: Config) -> RunConfig:
    """A config after some instructions of a Dockerfile. BadRequest for others than :data:`ALLOWED`."""
    if not instructions:
        return run
    for line in instructions:
        keyword = line.split(None, 1)[0] if line.strip() else ""
        if keyword.upper() not in ALLOWED:
            raise faults.BadRequest(f"{keyword.lower()} is not a valid change command")
    text = "\n".join(("FROM image", *instructions))
    facts = BaseFacts(replace(image, run=replace(run, on_build=())))
    images: dict[object, BaseFacts] = {}
    try:
        while not isinstance(plan := make_plan(parse(text.encode()), BuildRequest(), images), Plan):  # type: ignore[arg-type]
            images.update(dict.fromkeys(plan.images, facts))
    except WcowError as error:
        raise faults.BadRequest(str(error)) from error
    after = plan.target().run
    return replace(after, on_build=(*run.on_build, *after.on_build))


def merged(run: RunConfig, below: RunConfig) -> RunConfig:
    """A config, with what it leaves open taken from the one below it; names of variables count without case."""
    names = {variable.partition("=")[0].upper() for variable in run.env}
    env = (*run.env, *(variable for variable in below.env if variable.partition("=")[0].upper() not in names))
    cmd, entrypoint = run.cmd, run.entrypoint
    if not entrypoint:
        cmd = cmd or below.cmd
        entrypoint = below.entrypoint if entrypoint is None else entrypoint
    return replace(
        run, user=run.user or below.user, exposed_ports=(*run.exposed_ports, *below.exposed_ports), env=env, cmd=cmd,
        entrypoint=entrypoint, labels=tuple({**dict(below.labels), **dict(run.labels)}.items()),
        healthcheck=_health(run.healthcheck, below.healthcheck), working_dir=run.working_dir or below.working_dir,
        volumes=(*run.volumes, *below.volumes), stop_signal=run.stop_signal or below.stop_signal)


def _health(check: HealthCheck | None, below: HealthCheck | None) -> HealthCheck | None:
    if check is None or below is None:
        return check or below
    return replace(check, test=check.test or below.test, interval=check.interval or below.interval,
                   timeout=check.timeout or below.timeout, start_period=check.start_period or below.start_period,
                   start_interval=check.start_interval or below.start_interval, retries=check.retries or below.retries)
