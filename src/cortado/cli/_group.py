"""A group of commands that suggests a near name for one that it does not have."""

from __future__ import annotations

import click


class Group(click.Group):
    """As click's; an unknown command is answered with the one that may have been meant, or with all there are."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from ..errors import choice

            hint = choice(args[0], self.list_commands(ctx), most=5)
            raise click.UsageError(f"{error.message.rstrip('.')} ({hint})" if hint else error.message, ctx) from None
