"""The door: makes the environment on first use, then hands over to app.cli inside of it.

This file is read by whatever Python it is started with, so it holds no syntax that an old one does not know.
"""

import sys

OLDEST = (3, 11)


def main(argv):  # type: (list[str]) -> int
    """Exit code: that of the command, or 2 if something about this machine or the command line must change first."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.stderr.write("Latent Studio needs Python 3.11 or newer, and this is " + found + ". ")
        sys.stderr.write("Start it with a newer one, for example: python3.11 launch.py\n")
        return 2
    from app.environment import enter

    return enter(argv, serve)


def serve(settings):  # type: ignore[no-untyped-def]
    """The page stands above the application, which does not know it; the door knows both."""
    from ui.server import serve

    serve(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
