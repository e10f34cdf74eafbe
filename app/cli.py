"""The command line. It is judged before anything heavy is imported: what stands at the top needs Python alone."""

import argparse
import io
import os
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from app.settings import Settings, load
from ldm_core.errors import UserError, quoted

VERBS = ("setup", "test", "txt2img", "models", "train")
WRONG, INTERRUPTED = 2, 130  # exit codes
Serve = Callable[[Settings], None]


@dataclass(frozen=True)
class Command:
    """What was asked for. verb: "serve" or one of VERBS; options: its flags by name, None where not given."""

    verb: str
    options: dict[str, Any]


class _Parser(argparse.ArgumentParser):
    """Refuses by UserError: no usage, no exit."""

    def error(self, message: str) -> NoReturn:
        text = message.replace("argument ", "", 1) if message.startswith("argument ") else message
        raise UserError(f"{text[:1].upper()}{text[1:]}.", f"See: {self.prog} --help")


def parse(argv: Sequence[str]) -> Command:
    """The command line as a command; `--help` prints and exits. Raises UserError, one sentence."""
    words = list(argv)
    if not words or words[0].startswith("-"):
        return Command("serve", vars(_serve_parser().parse_args(words)))
    verb, rest = words[0], words[1:]
    if verb not in VERBS:
        raise UserError(
            f"There is no command {quoted(verb)}; there are: {', '.join(VERBS)}, and none to open the page."
        )
    if verb == "test":
        return Command(verb, {"arguments": rest})
    parser = {"setup": _setup_parser, "txt2img": _txt2img_parser, "models": _models_parser, "train": _train_parser}[
        verb
    ]()
    return Command(verb, vars(parser.parse_args(rest)))


def main(argv: Sequence[str], serve: Serve) -> int:
    """Run one command inside the environment; returns the exit code. Errors are one line on stderr.

    serve: opens the page, which this room knows nothing of, and returns when it is closed.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # file names are bytes, and are printed as they are
    try:
        return _run(parse(argv), serve)
    except UserError as error:
        return refuse(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - no traceback reaches a person
        if os.environ.get("LATENT_STUDIO_DEBUG"):
            traceback.print_exc()
        say(f"Something went wrong inside: {type(error).__name__}: {error}. LATENT_STUDIO_DEBUG=1 shows where.")
        return 1


def refuse(error: UserError) -> int:
    """Say what was wrong; the exit code for it."""
    say(str(error))
    return WRONG


def say(text: str) -> None:
    """One line on stderr, whatever is in it."""
    line = " ".join(text.split())
    print(line.encode("utf-8", "replace").decode("utf-8"), file=sys.stderr, flush=True)


def _run(command: Command, serve: Serve) -> int:
    options = command.options
    if command.verb == "train":
        if not options["config"].is_file():
            raise UserError(f"There is no recipe {options['config']}.", "Those of the shipped models: presets/training")
        from ldm_core.training.cli import main as train

        return train(options["kind"], options["config"], ["--work", options["work"]] if options["work"] else [])
    settings = settings_of(command)
    if command.verb == "serve":
        serve(settings)
        return 0
    if command.verb == "models":
        from app.commands.models import models

        return models(settings, options["what"] == "info", options["info"], options["json"])
    from app.commands.txt2img import txt2img

    return txt2img(settings, options)


def settings_of(command: Command) -> Settings:
    """The settings of this start. Raises UserError if they are wrong, or if the page's port is taken."""
    settings = load({name: command.options.get(name) for name in Settings.__dataclass_fields__})
    if command.verb == "serve":
        check_port(settings.host, settings.port)
    return settings


def check_port(host: str, port: int) -> None:
    """Raises UserError if nobody can listen there, before the seconds that the imports take."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise UserError(f"--host {host} is no address of this machine: {error.strerror or error}.") from error
    with socket.socket(family, kind, protocol) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just given back is free
        try:
            probe.bind(address)
            probe.listen(1)
        except OSError as error:
            reason = "is in use already" if port else "cannot be used"
            if isinstance(error, PermissionError):
                reason = "needs more rights than you have"
            raise UserError(f"Port {port} on {host} {reason}.", "Choose another one with --port.") from error


def _parser(verb: str, description: str) -> _Parser:
    return _Parser(prog=f"launch.py {verb}".strip(), description=description, allow_abbrev=False)


def _serve_parser() -> _Parser:
    parser = _parser("", "Open the page. Commands: setup, test, txt2img, models, train; each has its own --help.")
    parser.add_argument("--host", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=_whole("--port"), help="port to listen on (7860; 0: any free one)")
    parser.add_argument("--share", action="store_true", default=None, help="a public address; needs --auth")
    parser.add_argument("--auth", metavar="USER:PASS", help="ask for this name and password")
    parser.add_argument("--no-browser", dest="browser", action="store_false", default=None, help="open no browser")
    _machine(parser)
    return parser


def _setup_parser() -> _Parser:
    parser = _parser("setup", "Install what the application needs, and do nothing else.")
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    return parser


def _models_parser() -> _Parser:
    parser = _parser("models", "List the models, or describe one: models info FILE_OR_NAME.")
    parser.add_argument("what", nargs="?", choices=["info"], metavar="info", help="describe one model")
    parser.add_argument("info", nargs="?", metavar="FILE_OR_NAME", help="which one")
    parser.add_argument("--json", action="store_true", help="as JSON")
    _machine(parser)
    return parser


def _train_parser() -> _Parser:
    parser = _parser("train", "Train a model; begun anew, it goes on where it was.")
    parser.add_argument("kind", choices=["first-stage", "diffusion"], metavar="first-stage|diffusion")
    parser.add_argument(
        "config", type=Path, metavar="CONFIG", help="a recipe such as presets/training/first-stage.yaml"
    )
    parser.add_argument("--work", metavar="DIR", help="folder for data, checkpoints and logs")
    return parser


def _txt2img_parser() -> _Parser:
    parser = _parser("txt2img", "Draw what the prompt says. Options that are not given are the model's own.")
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="what the picture shows")
    parser.add_argument("--model", metavar="FILE_OR_NAME", help="see: launch.py models")
    parser.add_argument("--negative", dest="negative_prompt", metavar="TEXT", help="what it should not show")
    parser.add_argument("--sampler", metavar="NAME")
    parser.add_argument("--schedule", metavar="NAME", help="spacing of the noise levels")
    for name, text in {
        "--steps": "denoising steps",
        "--seed": "of the first picture; -1: by chance",
        "--width": "pixels",
        "--height": "pixels",
        "--count": "number of pictures",
    }.items():
        parser.add_argument(name, type=_whole(name), metavar="N", help=text)
    parser.add_argument(
        "--cfg-scale", type=_number("--cfg-scale"), metavar="X", help="how closely to follow the prompt"
    )
    parser.add_argument(
        "--eta", type=_number("--eta"), metavar="X", help="share of fresh noise in samplers that take it, 0 to 1"
    )
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE.png", help="take every option that is not given from this picture"
    )
    parser.add_argument("--out", metavar="FILE_OR_DIR", help="a .png file, or a folder")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    parser.add_argument("--json", action="store_true", help="print what was drawn as JSON")
    _machine(parser)
    return parser


def _machine(parser: _Parser) -> None:
    parser.add_argument("--device", metavar="auto|cpu|cuda|mps")
    parser.add_argument("--dtype", metavar="auto|float32|bfloat16|float16")
    parser.add_argument("--models", metavar="DIR", help="folder with own models")
    parser.add_argument("--outputs", metavar="DIR", help="folder for finished pictures")


def _whole(flag: str) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise UserError(f"{flag} must be a whole number, not {quoted(text)}.") from None

    return convert


def _number(flag: str) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise UserError(f"{flag} must be a number, not {quoted(text)}.") from None

    return convert
