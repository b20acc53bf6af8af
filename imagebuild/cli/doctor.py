# SPDX-License-Identifier: Apache-2.0
"""``wcow doctor``: what is wrong? A group whose parts are imported when they are used."""

from __future__ import annotations

import importlib

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "examine": ("doctor_examine", "Examine a host: what stops Windows containers there?"),
    "facts": ("doctor_examine", "Print the facts of this machine, or the script that collects them."),
    "explain": ("doctor_explain", "Say what an error text or a log means, and what to do."),
}
"""Part to the module that holds it (in it, a command of the part's name) and its one line of help."""


class Parts(click.Group):
    """A group that imports a part's module only when that part is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f".{COMMANDS[name][0]}", __package__)
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Parts)
def doctor() -> None:
    """Explain a host, or an error text, and say what to do."""
