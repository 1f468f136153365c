"""Commands whose modules are loaded when they are called: whoever lists cases does not wait for what trains models."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from shared.observability.loading import loading

Places = Mapping[str, tuple[str, str]]
"""Of every command, by name: where it stands ("module:attribute"), and the first line of its help."""


class Elsewhere(click.Command):
    """The name and the first line of a command that stands in a module of its own."""

    def __init__(self, name: str, place: str, first_line: str) -> None:
        super().__init__(name, help=first_line)
        self._place = place

    def load(self) -> click.Command:
        """Import the module and return the command itself."""
        module, _, attribute = self._place.partition(":")
        with loading():
            command: click.Command = getattr(import_module(module), attribute)
        return command


class LazyGroup(click.Group):
    """A group that lists commands without loading them, and loads the one that is called."""

    def add_places(self, places: Places) -> None:
        """Add commands that stand elsewhere."""
        for name, (place, first_line) in places.items():
            self.add_command(Elsewhere(name, place, first_line))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command as click does, and load it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Elsewhere) else command, rest
