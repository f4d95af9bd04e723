"""The schemas of contracts/events/, for whoever holds a message against its contract."""
import functools
import json

import jsonschema
import referencing
import referencing.jsonschema
from system.harness import ROOT

FOLDER = ROOT / "contracts/events"
LOCK = FOLDER / "fields.txt"
COMMON = "common"       # definitions that the others share; no message follows it
ENVELOPE = "envelope"   # the headers of every message


def names():
    """What has a schema: 'envelope', 'authorization.approved.v1', ..."""
    found = (path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json"))
    return sorted(name for name in found if name != COMMON)


def events():
    return [name for name in names() if name != ENVELOPE]


@functools.cache
def read(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


@functools.cache
def validator(name):
    """Schemas refer to each other by file name."""
    resources = [(path.name, referencing.jsonschema.DRAFT202012.create_resource(
        json.loads(path.read_text()))) for path in FOLDER.glob("*.schema.json")]
    registry = referencing.Registry().with_resources(resources)
    return jsonschema.Draft202012Validator(read(f"{name}.schema"), registry=registry)


def check(name, value):
    """The value follows its schema and brings no field of which the schema says nothing."""
    validator(name).validate(value)
    unknown = paths(value) - fields(name).keys()
    assert not unknown, f"{name}: no schema tells of {sorted(unknown)}"


def paths(value, prefix=""):
    """'change', 'change.from', ... of an object."""
    if not isinstance(value, dict):
        return set()
    inner = (paths(part, f"{prefix}{name}.") for name, part in value.items())
    return {prefix + name for name in value}.union(*inner)


def fields(name):
    """Every field of a schema, by path, and whether it is required."""
    return fields_of(read(f"{name}.schema"))


def fields_of(schema, prefix=""):
    found = {}
    for part in parts_of(schema):
        required = part.get("required", ())
        for name, value in part.get("properties", {}).items():
            path = prefix + name
            found[path] = found.get(path, False) or name in required
            found = fields_of(value, f"{path}.") | found
    return found


def parts_of(schema):
    """The schema, what it refers to, and what it joins."""
    yield schema
    for part in schema.get("allOf", []) + schema.get("anyOf", []):
        yield from parts_of(part)
    if "$ref" in schema:
        yield from parts_of(read(f"{COMMON}.schema")["$defs"][schema["$ref"].split("/")[-1]])


def lock():
    """What fields.txt should hold: each schema and its fields, those that may be absent with a ?"""
    lines = []
    for name in names():
        lines.append(name)
        for path, required in sorted(fields(name).items()):
            lines.append(f"    {path}{'' if required else '?'}")
    return "\n".join(lines) + "\n"
