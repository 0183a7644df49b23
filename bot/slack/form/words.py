"""Takes the text behind the command apart. Pure; forgiving about everything that Slack and phones do to text."""

import html
import re
import unicodedata
from dataclasses import dataclass

_MARKED = re.compile(r"<(?P<what>[^<>|]*)(?:\|(?P<label>[^<>]*))?>")
_LOOKS = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a", "'")  # single quotes of phones
    | dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"')  # double ones
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")  # dashes of every length
)
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'|`([^`]*)`|(\S+)")
_VERSION = re.compile(r"v?\d+\.\d+(?:\.\d+)*(?:[-+.][\w.+-]*)?", re.ASCII | re.IGNORECASE)
LONGEST = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Blank:
    """Nothing was typed: open the modal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Help:
    """Explain the command."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListUp:
    """List what is under way, everywhere or in one environment."""

    environment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """Tell about one cluster."""

    cluster: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowFleet:
    """Tell about all clusters, everywhere or in one environment."""

    environment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRollout:
    """Open the modal "Plan rollout"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListRollouts:
    """List the rollouts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FreezeUpgrades:
    """Open the modal "Freeze upgrades" filled in; the words are `[environment …] [until WHEN]` as typed."""

    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ListFreezes:
    """List the freezes that are in force or to come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fill:
    """Open the modal filled in. The words are as typed; which of them name the cluster depends on the catalog."""

    words: tuple[str, ...]


Asked = Blank | Help | ListUp | Status | ShowFleet | PlanRollout | ListRollouts | FreezeUpgrades | ListFreezes | Fill


def understand(text: str) -> Asked:  # noqa: PLR0911 - one for each word
    """Return what the text after the command asks for."""
    words = split(text)
    match [word.lower() for word in words]:
        case []:
            return Blank()
        case ["help" | "?" | "-h" | "--help", *_]:
            return Help()
        case ["list", *rest]:
            return ListUp(environment=" ".join(words[1:]) if rest else "")
        case ["fleet", *rest]:
            return ShowFleet(environment=" ".join(words[1:]) if rest else "")
        case ["rollout", *_]:
            return PlanRollout()
        case ["rollouts", *_]:
            return ListRollouts()
        case ["freeze", *_]:
            return FreezeUpgrades(words=words[1:])
        case ["freezes", *_]:
            return ListFreezes()
        case ["status", *rest]:
            return Status(cluster=" ".join(words[1:]) if rest else "")
        case _:
            return Fill(words=words)


def split(text: str) -> tuple[str, ...]:
    """Split into words; quotes hold words together, commas between them do not count."""
    return tuple(word for found in _QUOTED.findall(plain(text)) if (word := "".join(found).strip(" ,;")))


def plain(text: str) -> str:
    """Undo what Slack and keyboards do to text: mentions, links, entities, smart quotes, dashes, odd spaces."""
    unmarked = _MARKED.sub(_bare, text[: LONGEST * 4])
    unescaped = html.unescape(unmarked) if "&" in unmarked else unmarked
    looked_at = unicodedata.normalize("NFKC", unescaped.translate(_LOOKS)).translate(_LOOKS)
    visible = "".join(
        " " if letter.isspace() else letter
        for letter in looked_at
        if letter.isspace() or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    return " ".join(visible.split())[:LONGEST]


def is_version(word: str) -> bool:
    """Whether a word looks like a version, short or in full."""
    return _VERSION.fullmatch(word) is not None


def _bare(match: re.Match[str]) -> str:
    label, what = match["label"], match["what"]
    if label:
        return label
    return re.sub(r"^(https?://|mailto:|[@#!])", "", what)
