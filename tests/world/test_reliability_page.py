"""docs/reliability.md says what the tests assert."""

from benchmarks.reliability.page import PAGE, page


def test_the_page_is_generated_from_the_cases() -> None:
    """`python -m benchmarks.reliability --write` brings it up to date."""
    assert PAGE.read_text(encoding="utf-8").startswith(page())
