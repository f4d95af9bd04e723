"""The stack that tests share: one for each of the two literal commands."""
import pytest

from compose.stack import Stack

FIRST, SECOND = "docker-compose", "docker compose"

figures = []


@pytest.fixture(scope="session")
def note():
    """Says a figure at the end of the run."""
    return figures.append


@pytest.fixture(scope="module", params=[FIRST, SECOND])
def stack(request, note):
    it = Stack(request.param)
    try:
        note(f"{it.command} up --build: {it.up():.0f} s to the first approved request")
        yield it
    finally:
        it.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the containers said last."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and stack and stack.log.exists():
        report.sections.append((stack.command, stack.tail()))
    return report


def pytest_terminal_summary(terminalreporter):
    for figure in figures:
        terminalreporter.write_line(figure)
