# SPDX-License-Identifier: Apache-2.0
"""A group of commands whose modules are imported when they are used: ``wcow --version`` loads none of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class Commands(click.Group):
    """A group that lists its commands with the whole first sentence of their help, where Click cuts it at the width."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit=1000)) for name, command in found
                                if command is not None and not command.hidden])


class LazyGroup(click.Group):
    """A group over ``modules``: a command's name to the module of this room that holds it (in it, an attribute of that
    name) and its one line of help, so that the help imports nothing. ``heading`` stands above that list."""

    def __init__(self, *args: Any, modules: Mapping[str, tuple[str, str]], heading: str = "Commands",
                 **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.modules = modules
        self._heading = heading

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help where no command is named, which is bad usage: Click before 8.2 called it success."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.modules)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.modules:
            return None
        module = importlib.import_module(f".{self.modules[name][0]}", __package__)
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(self._heading):
            formatter.write_dl([(name, text) for name, (_unused, text) in self.modules.items()])
