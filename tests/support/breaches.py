# SPDX-License-Identifier: Apache-2.0
"""A report that keeps every breach as it was told, whatever the tables of rules would make of it."""

from __future__ import annotations

from typing import Any


class Breaches:
    """Stands where a checker wants a ``Report``; ``base`` is what that would say.

    ``told`` holds (rule, message, path, offset), and the place as a fifth where one was given.
    """

    def __init__(self, base: bool | None = None) -> None:
        self.base = base
        self.told: list[tuple[Any, ...]] = []

    def __call__(self, rule: str, message: str, path: str = "", offset: int | None = None, where: str = "any") -> None:
        self.told.append((rule, message, path, offset) if where == "any" else (rule, message, path, offset, where))
