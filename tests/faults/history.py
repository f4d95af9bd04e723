"""What clients asked and were told, line by line, and what follows from it. README.md tells the
format."""
import collections
import hashlib
import json
import time
from datetime import datetime, timezone

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"
# Of an authorization, what becomes of it later; the rest is the decision.
LATER = ("status", "remaining", "captured", "reversed", "refunded", "history", "version")
# The door's words for "nothing was done": ask again.
NOTHING_DONE = {"idempotency_in_flight", "backpressure", "dependency_down", "draining",
                "rate_limited"}


class Recorder:
    """Writes a history. Times are those of the machine's clock, yet never go back."""

    def __init__(self, path, auto_open_limit_minor=None):
        self.path, self.file = path, path.open("w")
        self.offset_ns = time.time_ns() - time.monotonic_ns()
        self.counts = collections.Counter()
        self._write({"history": 1, "auto_open_limit_minor": auto_open_limit_minor})

    def now_ns(self):
        return time.monotonic_ns() + self.offset_ns

    def note(self, who, start_ns, outcome, output):
        """One operation of `who`: (client, account, operation, input). Only what was acknowledged
        or refused has an end: of all else nobody knows when, or whether, it happens."""
        client, account, operation, given = who
        end_ns = None if outcome == UNKNOWN else self.now_ns()
        self.counts[outcome] += 1
        self._write({"client": client, "account": account, "operation": operation, "input": given,
                     "start_ns": start_ns, "end_ns": end_ns, "outcome": outcome, "output": output})

    def _write(self, line):
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def close(self):
        self.file.close()


# ---- what an answer says -------------------------------------------------------------------------

def outcome_of(status, body):
    """What is certain after an answer. 500 and 504 say nothing; 503 says that nothing was done."""
    if status in (200, 201):
        return ACKNOWLEDGED
    if status in (429, 503) or body.get("code") in NOTHING_DONE:
        return REFUSED
    return UNKNOWN if status >= 500 else ACKNOWLEDGED


def digest(value):
    """Equal for equal JSON."""
    if not isinstance(value, bytes):
        value = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(value).hexdigest()[:16]


def nanoseconds(text):
    if text is None:
        return None
    at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    whole = at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return ((whole.days * 86400 + whole.seconds) * 10**6 + whole.microseconds) * 1000


def problem(status, body):
    return {"http": status, "code": body.get("code")}


def decision(status, body, replayed=False, raw=None):
    """What an authorization's body says of the decision. `raw` are the bytes of a single answer."""
    if status >= 300:
        return problem(status, body)
    return {"http": status, "replayed": replayed, "id": body["id"],
            "code": body["decision_code"], "approved_minor": body["approved"]["amount_minor"],
            "available_minor": body["available"]["amount_minor"],
            "decided_ns": nanoseconds(body["created_at"]),
            "expires_ns": nanoseconds(body["expires_at"]), "decided": digest(decided(body)),
            "body": digest(body), "bytes": raw and digest(raw)}


def decided(body):
    return {name: value for name, value in body.items() if name not in LATER}


def state(status, body):
    """What an authorization's body says of now."""
    if status >= 300:
        return problem(status, body)
    last = body["history"][-1]
    return {"http": status, "status": body["status"], "version": body["version"],
            "decided": digest(decided(body)),
            "ended_ns": nanoseconds(last["at"]) if body["version"] > 1 else None}


def account(status, body):
    """What an account's or a balance's body says."""
    if status >= 300:
        return problem(status, body)
    said = {f"{name}_minor": body[name]["amount_minor"]
            for name in ("credit_limit", "held", "posted", "available") if name in body}
    return {"http": status} | said | {k: body[k] for k in ("status", "version") if k in body}
