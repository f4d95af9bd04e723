"""Each event and command has a schema, and an example that fits it."""
import json

import jsonschema
import pytest
from system.harness import ROOT

EVENTS = sorted(path.name.removesuffix(".schema.json")
                for path in (ROOT / "contracts/events").glob("*.schema.json"))


def read(name):
    return json.loads((ROOT / "contracts/events" / name).read_text())


@pytest.mark.parametrize("event", EVENTS)
def test_its_example_fits_its_schema(event):
    schema = read(f"{event}.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(read(f"{event}.example.json"))


def test_every_example_has_a_schema():
    examples = (ROOT / "contracts/events").glob("*.example.json")
    assert sorted(path.name.removesuffix(".example.json") for path in examples) == EVENTS
