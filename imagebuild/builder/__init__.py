# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles to Windows images: :func:`build` makes one, :func:`build_many` one for every Windows version,
:func:`plan_only` says what would be done.

A :class:`BuildRequest` says what, a :class:`Workshop` with what; both verbs are generators of
:mod:`~imagebuild.events` whose last one carries a :class:`Built` or a :class:`Plan`.
"""

from __future__ import annotations

from .execute.execute import Built, Workshop, build, plan_only
from .many import BuiltIndex, build_many
from .plan.plan import Plan
from .request import BuildRequest

__all__ = ["BuildRequest", "Built", "BuiltIndex", "Plan", "Workshop", "build", "build_many", "plan_only"]
