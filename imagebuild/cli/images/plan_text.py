# SPDX-License-Identifier: Apache-2.0
"""A plan for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...builder.plan.plan import UNUSED, Execute, MakeFolder, OfStage, Plan, PlannedStage, Step, Transfer, describe
from ...windows.names import join
from ..render import human


def plan_lines(plan: Plan) -> Iterator[str]:
    """The plan as lines: a head for each stage, a line for each instruction with its place in the file."""
    for stage in plan.stages:
        name = f" {stage.name}" if stage.name else ""
        yield f"stage {stage.index}{name}  from {_base(stage)}  {stage.platform}"
        for step in stage.steps:
            yield f"  {step.instruction.line:>4}  {_word(step):<9} {_what(step)}{_amount(plan, step)}"
    last = _last_line(plan)
    if last:
        yield ""
        yield last


def _last_line(plan: Plan) -> str:
    """What stands in the way of a build, and how much planning could see; empty where it saw all, and all is well."""
    runs, problems, unused = len(plan.refused()), len(plan.problems), plan.unused()
    parts = [f"{runs} RUN cannot be executed"] if runs else []
    if problems:
        parts.append(f"{problems} COPY or ADD cannot be done (see the warnings)")
    if unused:
        parts.append(f"{unused} of --build-arg and --build-context {'is' if unused == 1 else 'are'} not used")
    if parts and not problems:
        parts.append("everything else can be built")
    if plan.unread():
        parts.append("files of images and stages were not looked at")
    return "; ".join(parts)


def plan_facts(plan: Plan) -> dict[str, Any]:
    """The plan as JSON facts."""
    return {"file": plan.file, "executable": not plan.refused() and not plan.problems,
            "problems": [{"code": note.code, "line": note.line, "text": note.text}
                         for note in (*plan.problems, *(note for note in plan.notes if note.code in UNUSED))],
            "stages": [
        {"index": stage.index, "name": stage.name, "base": _base(stage), "platform": str(stage.platform),
         "steps": [_facts(plan, step) for step in stage.steps]} for stage in plan.stages]}


def _amount(plan: Plan, step: Step) -> str:
    found = plan.amounts.get(id(step))
    return f"  ({found.files} file{'' if found.files == 1 else 's'}, {human(found.size)})" if found else ""


def _facts(plan: Plan, step: Step) -> dict[str, Any]:
    facts: dict[str, Any] = {"line": step.instruction.line, "instruction": step.instruction.keyword, "text": step.text,
                             "kind": _word(step)}
    if isinstance(step, Transfer):
        facts |= {"sources": [describe(source) for source in step.sources], "destination": join(step.destination)}
        amount = plan.amounts.get(id(step))
        if amount is not None:
            facts |= {"files": amount.files, "size": amount.size}
    elif isinstance(step, MakeFolder):
        facts["destination"] = join(step.path)
    elif isinstance(step, Execute):
        facts["way"] = step.way
    return facts


def _base(stage: PlannedStage) -> str:
    if stage.base is None:
        return "scratch"
    return f"stage {stage.base.index}" if isinstance(stage.base, OfStage) else stage.base.name


def _word(step: Step) -> str:
    return "layer" if isinstance(step, Transfer) else "folder" if isinstance(step, MakeFolder) else \
        "run" if isinstance(step, Execute) else "config"


def _what(step: Step) -> str:
    if isinstance(step, Execute):
        return f"{step.text}  [way: {step.way}]"
    return step.text
