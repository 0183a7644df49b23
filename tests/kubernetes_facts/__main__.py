"""Writes bot/kubernetes_facts.json anew: `python -m tests.kubernetes_facts`."""

from tests.kubernetes_facts.make import TARGET, text

TARGET.write_text(text(), encoding="utf-8")
