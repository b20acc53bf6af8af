# SPDX-License-Identifier: Apache-2.0
"""``wcow completion``: scripts that complete verbs, options and files in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .app import wcow


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash:  wcow completion bash > ~/.local/share/bash-completion/completions/wcow
    zsh:   wcow completion zsh > "${fpath[1]}/_wcow"
    fish:  wcow completion fish > ~/.config/fish/completions/wcow.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    if shell == "bash":  # which would else take "app:1" for three words
        click.echo("COMP_WORDBREAKS=${COMP_WORDBREAKS//:}")
    click.echo(kind(wcow, {}, "wcow", "_WCOW_COMPLETE").source())
