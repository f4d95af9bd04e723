"""What documents name is there: files, links, tests, the promises that verify checks."""
import fnmatch
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
LISTED = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                        capture_output=True, text=True).stdout.split()
DOCUMENTS = [ROOT / name for name in LISTED if name.endswith(".md") and (ROOT / name).exists()]
NAMED = re.compile(r"`((?:\w+/)*[\w*.]+\.(?:c|h|py|sql|md|yaml|json))`")


def of(document):
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=of)
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def is_there(name):
    """By its path from anywhere: `hop.c`, `gateway/hop.c` and `store*.c` are names of files."""
    return any(fnmatch.fnmatch("/" + path, "*/" + name) for path in LISTED)


@pytest.mark.parametrize("document", DOCUMENTS, ids=of)
def test_files_that_are_named_exist(document):
    if document.name == "CHANGELOG.md":
        return  # tells of what was
    named = set(NAMED.findall(document.read_text()))
    assert [name for name in sorted(named) if not is_there(name)] == []


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_decisions_that_are_named_exist():
    for document in DOCUMENTS:
        for number in re.findall(r"\bADR (\d+)", document.read_text()):
            assert list((ROOT / "docs/adr").glob(f"{int(number):04}-*.md")), (of(document), number)


@pytest.mark.parametrize("decision", sorted((ROOT / "docs/adr").glob("*.md")), ids=of)
def test_a_decision_has_its_parts(decision):
    text = decision.read_text()
    assert text.startswith(f"# {int(decision.name[:4])}. ")
    assert re.findall(r"^## (.+)$", text, re.M) == \
        ["Context", "Decision", "Consequences", "Rejected"]


def test_the_runbook_names_every_cause_of_a_dead_letter():
    causes = re.findall(r'^ +X\(\w+, +"(\w+)", +"(\w+)"\)',
                        (ROOT / "src/platform/messaging/cause.h").read_text(), re.M)
    told = re.findall(r"^\| `(\w+)` \| `(\w+)` \|",
                      (ROOT / "docs/runbooks/dead-letters.md").read_text(), re.M)
    assert len(causes) > 5
    assert sorted((cls, code) for code, cls in causes) == sorted(told)


def test_the_architecture_names_every_promise():
    """The table of ARCHITECTURE.md and the one that `tallystick verify` asks from."""
    told = set(re.findall(r"^\| (`[\w` ]+`) \|", section("What is always true"), re.M))
    told = {name for row in told for name in re.findall(r"\w+", row)}
    files = (ROOT / "src/operator/sql").glob("verify_*.sql")
    assert told == {path.stem.removeprefix("verify_") for path in files}


def section(title):
    text = (ROOT / "ARCHITECTURE.md").read_text()
    return text.split(f"## {title}\n")[1].split("\n## ")[0]
