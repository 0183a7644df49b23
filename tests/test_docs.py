"""The pages tell the truth: links lead somewhere, examples are valid, the diagram is the table."""

import re
from pathlib import Path

import pytest

from bot.domain.request import NEXT, State
from bot.domain.rollout import NEXT as ROLLOUT_NEXT
from bot.domain.rollout import RolloutState
from bot.manifest import SCOPES
from bot.policy.file import load_policy
from bot.policy.shape import EXAMPLES
from bot.settings import RuleSettings

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / ".github").glob("*.md")),
]
RECIPES = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "policy.md").read_text(encoding="utf-8"), re.DOTALL)


def diagram() -> str:
    """Draw the table of allowed moves."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.PENDING_APPROVAL}"]
    for state, nexts in NEXT.items():
        lines += [f"    {state} --> {after}" for after in State if after in nexts]
        if not nexts:
            lines.append(f"    {state} --> [*]")
    return "\n".join([*lines, "```"])


def sections(page: Path) -> set[str]:
    """Return what a page's headings can be linked by."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    for target, section in re.findall(r"\]\((?!https?://)([^)#]*)#?([^)]*)\)", text):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not section or section in sections(there), f"{target}#{section}"


def test_the_diagram_of_states_is_the_table() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")

    assert text.split("<!-- states -->\n")[1].split("\n<!-- end -->")[0] == diagram()


def test_the_diagram_of_a_rollouts_states_is_its_table() -> None:
    text = (ROOT / "docs" / "rollouts.md").read_text(encoding="utf-8")
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {RolloutState.ASKING}"]
    for state, following in ROLLOUT_NEXT.items():
        lines += [f"    {state} --> {after}" for after in RolloutState if after in following]
        lines += [] if following else [f"    {state} --> [*]"]

    assert text.split("<!-- rollout states -->\n")[1].split("\n<!-- end -->")[0] == "\n".join([*lines, "```"])


def test_every_log_event_that_operators_are_told_of_is_written_somewhere() -> None:
    """What the page and the alerts say to look for; `audit.…` are the events of the audit trail."""
    pages = (ROOT / "docs" / "operating.md", ROOT / "deploy" / "monitoring" / "alerts.yaml")
    told = {
        name for page in pages for name in re.findall(r"\b[a-z]+\.[a-z]+_[a-z_]+\b", page.read_text(encoding="utf-8"))
    }
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))

    assert {"slack.socket_lost", "catalog.not_read"} <= told
    assert [name for name in sorted(told) if not name.startswith("audit.") and f'"{name}"' not in source] == []


def test_the_cookbook_has_six_recipes() -> None:
    assert len(RECIPES) == 6


@pytest.mark.parametrize("recipe", RECIPES, ids=[f"recipe-{number}" for number in range(1, len(RECIPES) + 1)])
def test_every_recipe_works_as_it_stands(recipe: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(recipe, encoding="utf-8")

    assert load_policy(path, RuleSettings()).channels


def test_the_cookbook_explains_every_key() -> None:
    text = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")

    assert [key for key in EXAMPLES if f"| `{key}` |" not in text] == []


def test_every_scope_is_explained() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")

    assert [scope for scope in SCOPES if f"`{scope}`" not in text] == []
