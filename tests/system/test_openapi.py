"""contracts/openapi.yaml against the running door: every operation is called and its answer
validated, and its paths are the gateway's routes, no more and no fewer."""
import re
import uuid

import jsonschema
import openapi_spec_validator
import pytest
import yaml

from system.harness import ROOT

DOCUMENT = ROOT / "contracts/openapi.yaml"
METHODS = ("get", "put", "post", "delete", "patch")


@pytest.fixture(scope="module")
def document():
    return yaml.safe_load(DOCUMENT.read_text())


def operations(document):
    return {operation["operationId"]: (method.upper(), path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items() if method in METHODS}


def resolve(document, part):
    while "$ref" in part:
        found = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def check_value(document, schema, value):
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema",
             "components": document["components"], "allOf": [schema]}
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(whole, format_checker=checker).validate(value)


def check_answer(document, operation, answer):
    """Status, content type, headers and body are as the operation says."""
    status = str(answer.status_code)
    assert status in operation["responses"], f"{operation['operationId']} {status}: {answer.text}"
    response = resolve(document, operation["responses"][status])
    media_type = answer.headers["Content-Type"].split(";")[0]
    assert media_type in response["content"]
    if media_type.endswith("json"):
        check_value(document, response["content"][media_type]["schema"], answer.json())
    for name, header in response.get("headers", {}).items():
        header = resolve(document, header)
        assert not header.get("required") or name in answer.headers, name
        if name in answer.headers:
            check_value(document, header["schema"], answer.headers[name])


def test_document_is_valid(document):
    openapi_spec_validator.validate(document)


def test_paths_are_the_routes(document):
    source = (ROOT / "src/gateway/routes.c").read_text()
    batch_path = re.search(r'#define BATCH_PATH "(.*)"', source)[1]
    rows = re.findall(r'^    \{"([A-Z]+)", +(?:"([^"]+)"|BATCH_PATH),', source, re.M)
    routes = {(method, path or batch_path) for method, path in rows}
    assert len(routes) > 10
    assert routes == {(method, path) for method, path, _ in operations(document).values()}


def test_document_is_served(system):
    answer = system.get("/openapi.yaml")
    assert answer.content == DOCUMENT.read_bytes()
    assert answer.headers["Content-Type"] == "application/yaml"


def test_examples_fit_their_schemas(document):
    examples = document["components"]["examples"]
    for name, example in examples.items():
        schema = "Authorization" if name in ("approved", "declined") else "Problem"
        check_value(document, {"$ref": f"#/components/schemas/{schema}"}, example["value"])
    codes = document["components"]["schemas"]["ProblemCode"]["enum"]
    assert set(codes) == set(examples) - {"approved", "declined"}
    for _, _, operation in operations(document).values():
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [response.get("content", {}) for response in operation["responses"].values()]
        for content in contents:
            for media_type in content.values():
                if "example" in media_type:
                    check_value(document, media_type["schema"], media_type["example"])


def new_request(**changes):
    fresh = {"transaction_id": f"tx-{uuid.uuid4()}", "user_id": "user-openapi", "amount": 1}
    return fresh | changes


@pytest.fixture(scope="module")
def made(system):
    return system.authorize("user-openapi", headers={"Prefer": "wait=20"}).json()


# Each operation at least once, well and badly. `m` is an authorization made before.
CALLS = {
    "authorize": [
        (201, lambda s, m: s.post("/authorize", new_request())),
        (201, lambda s, m: s.post("/authorize", new_request(), headers={"Prefer": "wait=20"})),
        (201, lambda s, m: s.post("/authorize", new_request(amount=100000))),
        (200, lambda s, m: s.post("/authorize", new_request(
            transaction_id=m["transaction_id"], user_id=m["user_id"], amount="10.00"))),
        (400, lambda s, m: s.post("/authorize", b"[")),
        (409, lambda s, m: s.post("/authorize", new_request(transaction_id=m["transaction_id"]))),
        (415, lambda s, m: s.post("/authorize", b"", headers={"Content-Type": "text/html"})),
        (422, lambda s, m: s.post("/authorize", {})),
    ],
    "createAuthorization": [
        (201, lambda s, m: s.post("/v1/authorizations", new_request())),
        (413, lambda s, m: s.post("/v1/authorizations", b" " * 70_000)),
    ],
    "findAuthorizations": [
        (200, lambda s, m: s.get(f"/v1/authorizations?transaction_id={m['transaction_id']}")),
        (200, lambda s, m: s.get("/v1/authorizations?user_id=user-openapi&limit=1")),
        (200, lambda s, m: s.get("/v1/authorizations?user_id=nobody")),
        (404, lambda s, m: s.get("/v1/authorizations?transaction_id=nothing")),
        (400, lambda s, m: s.get("/v1/authorizations")),
    ],
    "createAuthorizations": [
        (200, lambda s, m: s.post("/v1/authorizations/batch", {"items": [new_request(), {}]})),
        (422, lambda s, m: s.post("/v1/authorizations/batch", {"items": []})),
    ],
    "getAuthorization": [
        (200, lambda s, m: s.get(f"/v1/authorizations/{m['id']}")),
        (404, lambda s, m: s.get(f"/v1/authorizations/{uuid.uuid4()}")),
    ],
    "voidAuthorization": [
        (200, lambda s, m: s.post(f"/v1/authorizations/{m['id']}/void", key="key-openapi")),
        (200, lambda s, m: s.post(f"/v1/authorizations/{m['id']}/void", key="key-openapi")),
        (409, lambda s, m: s.post(f"/v1/authorizations/{m['id']}/void")),
        (404, lambda s, m: s.post(f"/v1/authorizations/{uuid.uuid4()}/void")),
    ],
    "putAccount": [
        (None, lambda s, m: s.put("/v1/accounts/user-openapi-2", {"credit_limit": "5.00"})),
        (None, lambda s, m: s.put("/v1/accounts/user-openapi-2", {"status": "frozen"})),
        (422, lambda s, m: s.put("/v1/accounts/user-openapi-2", {})),
    ],
    "getAccount": [
        (200, lambda s, m: s.get("/v1/accounts/user-openapi")),
        (404, lambda s, m: s.get("/v1/accounts/nobody")),
    ],
    "getBalance": [
        (200, lambda s, m: s.get("/v1/accounts/user-openapi/balance")),
        (404, lambda s, m: s.get("/v1/accounts/nobody/balance")),
    ],
    "listEntries": [
        (200, lambda s, m: s.get("/v1/accounts/user-openapi/entries?limit=1")),
        (404, lambda s, m: s.get("/v1/accounts/nobody/entries")),
    ],
    "findSagas": [
        (200, lambda s, m: s.get("/v1/sagas?state=completed&limit=2")),
        (400, lambda s, m: s.get("/v1/sagas")),
    ],
    "getSaga": [
        (200, lambda s, m: s.get(f"/v1/sagas/{m['saga_id']}")),
        (404, lambda s, m: s.get(f"/v1/sagas/{uuid.uuid4()}")),
    ],
    "getProblem": [
        (200, lambda s, m: s.get("/problems/not_found")),
        (404, lambda s, m: s.get("/problems/nothing")),
    ],
    "getOpenapi": [(200, lambda s, m: s.get("/openapi.yaml"))],
    "getLivez": [(200, lambda s, m: s.get("/livez"))],
    "getReadyz": [(200, lambda s, m: s.get("/readyz"))],
}


def test_every_operation_is_called(document):
    assert set(CALLS) == set(operations(document))


@pytest.mark.parametrize("operation_id", CALLS)
def test_answers_are_as_described(system, document, made, operation_id):
    _, _, operation = operations(document)[operation_id]
    for status, call in CALLS[operation_id]:
        answer = call(system, made)
        if status is not None:
            assert answer.status_code == status, answer.text
        check_answer(document, operation, answer)
