"""More than fits: who would have to wait for too long is told to come again, at once and before
anybody is asked; who was let in is served; and when it is over, everybody is."""
import concurrent.futures
import uuid

import pytest
from prometheus_client.parser import text_string_to_metric_families
from system.harness import wait_until


@pytest.fixture(scope="module")
def tight(open_system):
    """One worker; nobody is to wait for it for longer than a millisecond, going by its runs."""
    return open_system(env={"TALLYSTICK_GATEWAY_QUEUE_WAIT_MS": 1,
                            "TALLYSTICK_AUTHORIZATION_WORKERS": 1,
                            "TALLYSTICK_DECISION_TIMEOUT_MS": 60000})


def batch(system, items=1000):
    answer = system.post("/v1/authorizations/batch", {"items": [
        {"transaction_id": f"tx-{uuid.uuid4()}", "user_id": f"user-{at % 200}", "amount": "0.01"}
        for at in range(items)]}, timeout=120)
    if answer.status_code == 503:
        return ["whole"]
    return [item["status"] for item in answer.json()["items"]]


def counted(system, name, **labels):
    text = system.get("/metrics", door="gateway_admin").text
    return sum(sample.value for family in text_string_to_metric_families(text)
               for sample in family.samples
               if sample.name == name and labels.items() <= sample.labels.items())


def shed(system, reason):
    return counted(system, "auth_shed_total", reason=reason)


def taken(system):
    """Items that a run has begun with."""
    return counted(system, "auth_queue_wait_seconds_count")


def crowded(system, pool, batches=4):
    """The authorization service stands still, a run waits for it, and more wait for the run."""
    before = taken(system)
    system.pause("authorization")
    asked = [pool.submit(batch, system, 1)]
    wait_until(lambda: taken(system) > before, what="a run has begun")
    asked += [pool.submit(batch, system) for _ in range(batches)]

    def is_full():
        """Who asks while there is room waits for the answer like the others."""
        asked.append(pool.submit(batch, system, 1))
        concurrent.futures.wait(asked[-1:], timeout=0.2)
        return any(one.done() and one.result() == ["whole"] for one in asked)

    wait_until(is_full, every=0, what="the door takes no more")
    return asked


def test_who_would_wait_too_long_is_told_at_once(tight):
    assert set(batch(tight, 200)) <= {"approved", 503}  # so that the length of a run is known
    before = shed(tight, "queue_slow")
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        asked = crowded(tight, pool)
        try:
            for _ in range(200):  # each answered while nobody behind the door moves
                answer = tight.authorize()
                assert (answer.status_code, answer.json()["code"]) == (503, "backpressure")
                assert answer.headers["Retry-After"] == "1"
            assert tight.post("/authorize", b"{").status_code == 503  # it is not even read
            assert batch(tight) == ["whole"]
            void = tight.post(f"/v1/authorizations/{uuid.uuid4()}/void")
            assert (void.status_code, void.json()["code"]) == (503, "backpressure")
            assert tight.get("/livez").status_code == 200
        finally:
            tight.resume("authorization")
        statuses = [status for one in asked for status in one.result()]
    assert "approved" in statuses
    assert set(statuses) <= {"approved", 503, "whole"}
    assert shed(tight, "queue_slow") - before >= 200
    assert shed(tight, "queue_full") == 0


def test_it_recovers(tight):
    """One after the other is always let in, and soon so many at once as before."""
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        asked = crowded(tight, pool)
        tight.resume("authorization")
        concurrent.futures.wait(asked)
    wait_until(lambda: [tight.authorize().status_code for _ in range(20)] == [201] * 20,
               what="single requests are decided")
    wait_until(lambda: set(batch(tight, 20)) == {"approved"}, what="and a batch")


def test_nothing_that_was_shed_was_done(tight):
    transaction, key = f"tx-{uuid.uuid4()}", str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        asked = crowded(tight, pool)
        refused = tight.authorize(transaction_id=transaction, key=key)
        tight.resume("authorization")
        concurrent.futures.wait(asked)
    assert refused.status_code == 503
    assert tight.get(f"/v1/authorizations?transaction_id={transaction}").status_code == 404
    wait_until(lambda: tight.authorize(transaction_id=transaction, key=key).status_code == 201,
               what="the same key does it")
