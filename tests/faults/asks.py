"""What clients of the door ask: each ask is a request that may be sent more than once, and knows
how its answer reads as operations of a history."""
import json
import uuid

from faults import history
from faults.door import json_of
from faults.history import ACKNOWLEDGED, UNKNOWN, outcome_of


class Ask:
    """`parts` are (account, operation, input), one for each operation that the request makes."""

    def __init__(self, method, path, parts, body=None, key=None):
        self.method, self.path, self.parts, self.key = method, path, parts, key
        self.body = b"" if body is None else json.dumps(body).encode()
        self.outcomes = set()  # of all parts in all tries
        self.is_decided = False
        self.latest = []       # the bodies that the latest decided try brought

    def headers(self):
        found = {"Content-Type": "application/json"} if self.body else {}
        return found | ({"Idempotency-Key": self.key} if self.key else {})

    def read(self, answer):
        """(outcome, output) of each part."""
        body = json_of(answer)
        self.latest = [body]
        replayed = answer.headers.get("idempotent-replayed") == "true"
        output = self.output(answer.status, body, replayed, answer.body)
        return [(outcome_of(answer.status, body), output)]

    def output(self, status, body, replayed, raw):
        raise NotImplementedError

    def note(self, outcomes):
        self.outcomes |= set(outcomes)
        self.is_decided = self.is_decided or set(outcomes) <= {ACKNOWLEDGED}

    def is_open(self):
        """Nobody knows what came of it."""
        return not self.is_decided and UNKNOWN in self.outcomes


def amount_text(minor):
    return f"{minor // 100}.{minor % 100:02}"


def authorize_input(key, request):
    """The input that a history keeps of a request to authorize."""
    return {"key": key, "transaction_id": request["transaction_id"],
            "amount_minor": request["amount_minor"], "expires_in": request.get("expires_in")}


class Authorize(Ask):
    operation = "authorize"

    def __init__(self, request, key):
        given = authorize_input(key, request)
        super().__init__("POST", "/authorize", [(request["user_id"], self.operation, given)],
                         request, key)
        self.request = request

    def output(self, status, body, replayed, raw):
        return history.decision(status, body, replayed, raw)


class Reuse(Authorize):
    """Its key or its transaction id is another request's; it must be refused."""

    operation = "reuse"


class Batch(Ask):
    def __init__(self, requests, key):
        parts = [(one["user_id"], "authorize", authorize_input(f"{key} {at}", one))
                 for at, one in enumerate(requests)]
        super().__init__("POST", "/v1/authorizations/batch", parts, {"items": requests}, key)

    def read(self, answer):
        body = json_of(answer)
        items = body.get("items")
        self.latest = items or []
        if answer.status != 200:
            said = (outcome_of(answer.status, body), history.problem(answer.status, body))
            return [said] * len(self.parts)
        assert len(items) == len(self.parts), "a batch was answered in part"
        return list(map(self.read_item, items))

    @staticmethod
    def read_item(item):
        status = 201 if "decision_code" in item else item["status"]
        return outcome_of(status, item), history.decision(status, item, replayed=None)


class Void(Ask):
    def __init__(self, user_id, authorization_id, key):
        given = {"key": key, "id": authorization_id}
        super().__init__("POST", f"/v1/authorizations/{authorization_id}/void",
                         [(user_id, "void", given)], None, key)

    def output(self, status, body, replayed, raw):
        said = history.state(status, body)
        return said | ({"replayed": replayed, "bytes": history.digest(raw)} if status < 300 else {})


class Put(Ask):
    """A change of an account; it has no key, so nobody sends it twice."""

    def __init__(self, user_id, change):
        given = {"limit_minor": change.get("credit_limit_minor"), "status": change.get("status")}
        super().__init__("PUT", f"/v1/accounts/{user_id}", [(user_id, "put", given)], change)

    def output(self, status, body, replayed, raw):
        return history.account(status, body)


class Balance(Ask):
    def __init__(self, user_id):
        super().__init__("GET", f"/v1/accounts/{user_id}/balance", [(user_id, "balance", {})])

    def output(self, status, body, replayed, raw):
        return history.account(status, body)


class Look(Ask):
    def __init__(self, user_id, authorization_id):
        super().__init__("GET", f"/v1/authorizations/{authorization_id}",
                         [(user_id, "look", {"id": authorization_id})])

    def output(self, status, body, replayed, raw):
        return history.state(status, body)


class Page(Ask):
    """A page of an account's authorizations: a look at each of them."""

    SIZE = 200

    def __init__(self, user_id, cursor=None):
        more = f"&cursor={cursor}" if cursor else ""
        super().__init__("GET", f"/v1/authorizations?user_id={user_id}&limit={self.SIZE}{more}", [])
        self.user_id, self.next_cursor, self.transactions = user_id, None, []

    def read(self, answer):
        if answer.status != 200:
            return [(UNKNOWN, None)]  # whoever takes stock asks again
        page = json_of(answer)
        self.next_cursor = page["next_cursor"]
        self.transactions = [one["transaction_id"] for one in page["items"]]
        self.parts = [(self.user_id, "look", {"id": one["id"]}) for one in page["items"]]
        return [(ACKNOWLEDGED, history.state(200, one)) for one in page["items"]]


def new_id(draw):
    return str(uuid.UUID(int=draw.getrandbits(128)))
