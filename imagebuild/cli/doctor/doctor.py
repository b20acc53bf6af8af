# SPDX-License-Identifier: Apache-2.0
"""``wcow doctor``: what is wrong? A group whose parts are imported when they are used."""

from __future__ import annotations

import click

from ..lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "examine": ("doctor.examine", "Examine a host: what stops Windows containers there?"),
    "facts": ("doctor.examine", "Print the facts of a host, or the script that collects them."),
    "explain": ("doctor.explain", "Say what an error text or a log means, and what to do."),
}
"""Part to the module that holds it (in it, a command of the part's name) and its one line of help."""


@click.group(cls=LazyGroup, modules=COMMANDS)
def doctor() -> None:
    """Explain a host, or an error text, and say what to do."""
