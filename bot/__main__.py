"""The entry point of `python -m bot` and `upgrade-bot`. It handles signals before it imports anything slow."""

import signal
import sys


def main() -> None:
    """Run the command line.

    While `run` and `sandbox` are still loading, a signal ends them at once: no work has begun before the bot handles
    signals itself.
    """
    if sys.argv[1:2] in (["run"], ["sandbox"]):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))

    from bot import cli

    cli.main()


if __name__ == "__main__":
    main()
