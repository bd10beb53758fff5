"""The entry point: finds the command, runs it, and reports errors in one line."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, Final, NoReturn

import click

from graphc.cli.errors import CheckFailed
from graphc.version import VERSION
from graphc_ir.dims import UndecidableDimError
from graphc_ir.errors import GraphcError

# Named by module path, so that each command imports only what it needs: `doctor` must run where onnxruntime does not.
_COMMANDS: Final[dict[str, str]] = {
    "demo": "graphc.cli.demo.command:demo",
    "inspect": "graphc.cli.commands.inspect:inspect",
    "optimize": "graphc.cli.commands.optimize:optimize",
    "run": "graphc.cli.commands.run:run",
    "bench": "graphc.cli.commands.bench:bench",
    "doctor": "graphc.cli.commands.doctor:doctor",
}

CHECK_FAILED: Final = 1
BAD_USAGE: Final = 2
INTERRUPTED: Final = 130


class CommandLine(click.Group):
    """Commands by name. Errors end in one line on stderr: exit code 2 for bad arguments and files, 1 for results that
    do not agree. Only a fault of graphc itself shows a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        try:
            loaded = importlib.import_module(module)
        except ImportError as error:
            raise click.ClickException(f"{cmd_name} cannot be loaded: {error}; install what it names") from error
        command: click.Command = getattr(loaded, attribute)
        return command

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        extra["standalone_mode"] = False
        try:
            code = super().main(*args, **extra)
        except click.Abort:
            fail("interrupted", INTERRUPTED)
        except click.UsageError as error:
            fail(_usage(error), BAD_USAGE)
        except click.ClickException as error:
            fail(error.format_message(), BAD_USAGE)
        except CheckFailed as error:
            fail(str(error), CHECK_FAILED)
        except (GraphcError, UndecidableDimError) as error:
            fail(str(error), BAD_USAGE)
        except MemoryError as error:
            fail(f"not enough memory: {error}", BAD_USAGE)
        except BrokenPipeError:
            # The reader has gone, as in `graphc inspect m.onnx | head`; nothing is left to be flushed at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(CHECK_FAILED)
        except OSError as error:
            fail(f"{error.filename}: {error.strerror}" if error.filename else str(error), BAD_USAGE)
        sys.exit(code if isinstance(code, int) else 0)


def fail(message: str, code: int) -> NoReturn:
    """Ends the program with one line on stderr."""
    click.echo(f"graphc: {' '.join(message.split())}", err=True)
    sys.exit(code)


def _usage(error: click.UsageError) -> str:
    text = error.format_message().rstrip(".")
    path = error.ctx.command_path if error.ctx is not None else "graphc"
    return f"{text}; see {path} --help"


@click.group(cls=CommandLine, invoke_without_command=True)
@click.version_option(VERSION, message="graphc %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Trace, optimize, run and export tensor programs."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> NoReturn:
    """Runs the command line on the process's arguments."""
    cli.main(prog_name="graphc")
