"""What deploy/ ships for whoever watches: it is well formed and tested, and every page it names
is there and gives commands that exist."""
import itertools
import json
import pathlib
import re
import shlex
import subprocess

import pytest
import yaml

from system.harness import BINARY

ROOT = pathlib.Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
RUNBOOKS = ROOT / "docs/runbooks"
PAGES = sorted(RUNBOOKS.glob("*.md"))


def promtool(*args):
    done = subprocess.run([ROOT / "tools/promtool", *args], capture_output=True, text=True,
                          cwd=PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr


def alerts():
    rules = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"]}


def test_promtool_finds_nothing_to_mend():
    promtool("check", "config", "prometheus.yml")
    promtool("test", "rules", "alerts_test.yml")


def test_every_alert_is_tested_firing_and_quiet():
    told = {name: [] for name in alerts()}
    for test in yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]:
        for case in test["alert_rule_test"]:
            told[case["alertname"]].append(bool(case["exp_alerts"]))
    assert {name: set(found) for name, found in told.items()} == \
        {name: {True, False} for name in told}


@pytest.mark.parametrize("alert", alerts().values(), ids=alerts())
def test_every_alert_says_what_to_do(alert):
    assert alert["labels"]["severity"] in ("page", "ticket")
    notes = alert["annotations"]
    assert notes["summary"][0] != notes["summary"][0].upper() or notes["summary"].startswith("{{")
    assert notes["description"].endswith(".")
    assert (ROOT / notes["runbook"]).exists()
    index = (RUNBOOKS / "README.md").read_text()
    assert re.search(rf"^\| {alert['alert']} \|.*\({pathlib.Path(notes['runbook']).name}\) \|$",
                     index, re.M), "the index lacks it"


DASHBOARDS = [json.loads(path.read_text())
              for path in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))]


def overlap(one, other):
    return (one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
            and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"])


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board["uid"])
def test_every_dashboard_is_one(board):
    assert board["schemaVersion"] >= 38 and board["uid"].startswith("tallystick-")
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not any(overlap(*pair) for pair in itertools.combinations(places, 2))
    variables = {f"${{{variable['name']}}}" for variable in board["templating"]["list"]}
    for panel in panels:
        assert panel["type"] in ("stat", "timeseries", "heatmap", "table")
        assert panel["datasource"]["uid"] in variables
        letters = [target["refId"] for target in panel["targets"]]
        assert letters and len(set(letters)) == len(letters)


def test_every_metric_is_looked_at():
    """By an alert or on a dashboard; a metric that nobody looks at need not be there."""
    looked_at = json.dumps(DASHBOARDS) + (PROMETHEUS / "alerts.yml").read_text()
    reference = (ROOT / "docs/reference/metrics.md").read_text()
    metrics = re.findall(r"^\| `([a-z_]+)` \|", reference, re.M)
    matched = ("auth_invariant_violations", "ledger_invariant_violations",  # by a pattern
               "auth_verify_lag_seconds", "ledger_verify_lag_seconds", "process_start_time_seconds")
    assert [name for name in metrics if name not in looked_at and name not in matched] == []


def test_the_index_lists_every_page():
    index = (RUNBOOKS / "README.md").read_text()
    for page in PAGES:
        assert page.name == "README.md" or f"({page.name})" in index


def commands(page):
    """Every `tallystick ...` of a page, as words: in a line of its own, or in `these`."""
    found = re.findall(r"^    (tallystick [^#\n]+)", page, re.M)
    found += re.findall(r"`(tallystick [^`\n]+)`", page.replace("\n", " "))
    return [shlex.split(one) for one in found]


@pytest.fixture(scope="module")
def known():
    done = subprocess.run([BINARY, "help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"^  ([a-z]+) ", done.stdout, re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_runbook_is_one(page, known):
    """The command is there, its help has each verb and option that the page gives it."""
    text = page.read_text()
    for words in commands(text):
        assert words[1] in known, words
        if words[1] in ("help", "version"):
            continue
        verb = words[2:3] if words[1] in ("ledger", "saga", "outbox") else []
        said = subprocess.run([BINARY, words[1], *verb, "--help"], capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        for word in words[2:]:
            if re.fullmatch(r"[a-z]+", word) and words[words.index(word) - 1][0] != "-":
                assert re.search(rf"\b{word}\b", said.stdout), words
            if word.startswith("--"):
                assert re.search(rf"{word.partition('=')[0]}\b", said.stdout), words
    for name in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_name_of_a_runbook_is_one(page):
    """Metrics, log events and settings are called what they are called."""
    text = page.read_text()
    metrics = (ROOT / "docs/reference/metrics.md").read_text()
    events = (ROOT / "docs/reference/events.md").read_text()
    services = {"authorization", "ledger", "saga", "bus", "operator", "gateway"}
    for name in re.findall(r"`([a-z]+\.[a-z_]+)`", text):
        if name.partition(".")[0] not in services or f"`{name}`" in events:
            assert f"`{name}`" in events, name
    for name in re.findall(r"`([a-z_]+_(?:seconds|total|minor|pending|violations))\b", text):
        assert f"`{name}`" in metrics, name
