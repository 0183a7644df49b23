"""The pages tell the truth: links lead somewhere, examples are valid, the diagram is the table."""

import ast
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


def test_the_cookbook_has_seven_recipes() -> None:
    assert len(RECIPES) == 7


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


def walks() -> dict[str, list[tuple[str, str]]]:
    """Return file and name of each stop, by the title of its walk."""
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    part = text.partition("<!-- walks -->")[2].partition("<!-- end of walks -->")[0]
    return {
        walk.partition("\n")[0]: re.findall(r"^\d+\. `(\S+)` `(\S+)`: ", walk, re.MULTILINE)
        for walk in part.split("### ")[1:]
    }


def defined(path: str) -> set[str]:
    """Return the functions, classes and methods that a file defines, methods with their class."""
    names = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if hasattr(part, "name")}
    return names


def test_each_walk_has_at_most_twelve_stops_and_all_of_them_exist() -> None:
    """A newcomer who follows a walk finds every file and every function."""
    found = walks()

    assert len(found) == 3
    for stops in found.values():
        assert 0 < len(stops) <= 12
        assert [stop for stop in stops if stop[1] not in defined(stop[0])] == []


def test_every_file_of_the_glossary_exists() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S[^|]*) \| ([^|]+) \| `(\S+)` \|$", text, re.MULTILINE)

    assert len(rows) > 15
    assert [path for _, _, path in rows if not (ROOT / path).is_file()] == []
    assert [word for word, _, _ in rows] == sorted(word for word, _, _ in rows)


def audited_kinds() -> set[str]:
    """Return every kind of audit event that the program writes, read from its own text."""
    found = {f"rollout {state.lower()}" for state in RolloutState} | {"rollout planned"}
    found |= {"rollout wave approved", "rollout moved", "upgrade submitted"}
    for module in (ROOT / "bot" / "workflow").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            found |= {
                part.value
                for value in kinds_in(node)
                for part in ast.walk(value)
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value
            }
    return found


def kinds_in(node: ast.AST) -> list[ast.expr]:
    """Return what names the kind of an event in a call or an assignment."""
    if isinstance(node, ast.Call):
        called = getattr(node.func, "id", "")
        named = [one.value for one in node.keywords if one.arg in {"audit", "kind"} and called != "OutboxMessage"]
        return [*named, *(node.args[1:2] if called == "fact" else ())]
    if isinstance(node, ast.Assign):
        names = [name for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        return [node.value] if any(name.id == "kind" for name in names) else []
    return []


def test_every_kind_of_audit_event_is_described() -> None:
    """Whoever reads the trail finds there what each event means."""
    text = (ROOT / "docs" / "auditing.md").read_text(encoding="utf-8")

    assert len(kinds := audited_kinds()) > 30
    assert {kind for kind in kinds if f"`{kind}`" not in text} == set()
