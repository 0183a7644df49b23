"""`python -m bot` is `upgrade-bot`."""

from bot.cli import main

main()
