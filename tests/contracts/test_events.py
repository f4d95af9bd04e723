"""The events' contracts in themselves: each has an example that fits, and their fields are locked.
What services really send is held against them in tests/system/test_events.py."""
import copy
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


# ---- what breaks a consumer is noticed -----------------------------------------------------------

def places(schema, key):
    """Every object of `properties`, or list of `required`, in a schema."""
    if isinstance(schema, dict):
        if key in schema:
            yield schema[key]
        for part in schema.values():
            yield from places(part, key)
    elif isinstance(schema, list):
        for part in schema:
            yield from places(part, key)


def known_fields():
    """The name of every field of any event: state, amount_minor ..."""
    return sorted({path.rpartition(".")[2] for name in contracts.names()
                   for path in contracts.fields(name)})


def lock_without(monkeypatch, field, key):
    """The lock that would follow from schemas where the field is nowhere among these."""
    read = contracts.read

    def spoilt(name):
        schema = copy.deepcopy(read(name))
        for place in places(schema, key):
            if field in place:
                place.pop(field) if isinstance(place, dict) else place.remove(field)
        return schema

    with monkeypatch.context() as patch:
        patch.setattr(contracts, "read", spoilt)
        return contracts.lock()


@pytest.mark.parametrize("field", known_fields())
def test_a_field_that_is_gone_is_noticed(monkeypatch, field):
    assert lock_without(monkeypatch, field, "properties") != contracts.LOCK.read_text()


@pytest.mark.parametrize("field", known_fields())
def test_a_field_that_need_not_be_there_any_more_is_noticed(monkeypatch, field):
    lines = contracts.LOCK.read_text().splitlines()
    is_required = any(line.endswith((f" {field}", f".{field}")) for line in lines)
    is_noticed = lock_without(monkeypatch, field, "required") != contracts.LOCK.read_text()
    assert is_noticed == is_required


@pytest.mark.parametrize("name", contracts.events())
def test_an_event_without_a_required_field_is_refused(name):
    """What a service forgot to send would fail tests/system/test_events.py."""
    for path, required in contracts.fields(name).items():
        event = copy.deepcopy(contracts.read(f"{name}.example"))
        *above, field = path.split(".")
        holder = event
        for step in above:
            holder = holder.get(step) if isinstance(holder, dict) else None
        if not required or not isinstance(holder, dict):
            continue  # or what it belongs to is absent, too
        del holder[field]
        with pytest.raises(jsonschema.ValidationError):
            contracts.validator(name).validate(event)
