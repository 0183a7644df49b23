"""The entrance: `python -m bot` is `upgrade-bot`. It imports next to nothing before it can be told to end."""

import signal
import sys


def main() -> None:
    """Run the command line.

    What runs until it is asked to end does so at once while it is being loaded: nothing is in hand before the bot
    listens for signals itself.
    """
    if sys.argv[1:2] in (["run"], ["sandbox"]):
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: sys.exit(0))

    from bot import cli

    cli.main()


if __name__ == "__main__":
    main()
