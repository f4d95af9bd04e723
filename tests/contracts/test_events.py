"""The events' contracts in themselves: each has an example that fits, and their fields are locked.
What services really send is held against them in tests/system/test_events.py."""
import re

import jsonschema
import pytest
from system import contracts


@pytest.mark.parametrize("name", contracts.names())
def test_its_example_fits_its_schema(name):
    schema = contracts.read(f"{name}.schema")
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{name}.schema.json"
    contracts.check(name, contracts.read(f"{name}.example"))


def test_every_example_has_a_schema():
    examples = contracts.FOLDER.glob("*.example.json")
    assert sorted(path.name.removesuffix(".example.json") for path in examples) == contracts.names()


@pytest.mark.parametrize("name", contracts.events())
def test_consumers_may_ignore_what_they_do_not_know(name):
    """Contracts only grow: a field that comes later must not be refused by today's schema."""
    grown = contracts.read(f"{name}.example") | {"a_field_of_tomorrow": 1}
    contracts.validator(name).validate(grown)


@pytest.mark.parametrize("name", contracts.events())
def test_its_name_has_a_version(name):
    assert re.fullmatch(r"[a-z]+\.[a-z_]+\.v1", name)


def test_the_fields_are_those_of_the_list():
    """A field that is gone, or has become optional, breaks a consumer: that is a new type. One that
    has come is added to the list in the same commit."""
    assert contracts.lock() == contracts.LOCK.read_text(), \
        f"{contracts.LOCK} differs; where only fields were added, write it anew:\n" \
        "PYTHONPATH=tests .venv/bin/python -c " \
        "'from system import contracts; contracts.LOCK.write_text(contracts.lock())'"
