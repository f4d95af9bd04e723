"""The door under many connections, full queues, slow services, and a stop in the middle."""
import concurrent.futures
import contextlib
import json
import signal
import socket
import threading
import uuid

from system import raw_http
from system.harness import wait_until


def authorize_bytes(user_id, *headers):
    body = json.dumps({"transaction_id": str(uuid.uuid4()), "user_id": user_id, "amount": "0.01"})
    return raw_http.post("/authorize", body.encode(), f"Idempotency-Key: {uuid.uuid4()}", *headers)


def test_512_connections_at_once(system):
    """All requests are sent before any answer is read: 512 in flight over two workers."""
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(raw_http.connection(system)) for _ in range(512)]
        for number, sock in enumerate(socks):
            sock.sendall(authorize_bytes(f"user-many-{number % 50}"))
        answers = [raw_http.read_answers(sock, 1)[0] for sock in socks]
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["status"] for answer in answers} == {"approved"}
    connections = system.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tallystick_authorization'")
    assert connections[0].count < 50, "more requests in flight than database connections"


def test_pipelined_requests_are_answered_in_order(system):
    requests = [authorize_bytes(f"user-pipe-{number}") for number in range(50)]
    requests[20] = raw_http.post("/authorize", b"{}", "Idempotency-Key: pipe-1")
    requests[30] = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answers = raw_http.send(system, b"".join(requests), count=50)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.pop(30), statuses.pop(20)) == (200, 422)
    assert set(statuses) == {201}
    users = [answer.json().get("user_id") for answer in answers]
    assert users == [None if n in (20, 30) else f"user-pipe-{n}" for n in range(50)]


def test_what_is_refused_before_it_is_whole_names_its_trace(system):
    answer, = raw_http.send(system, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", count=1)
    assert answer.status_code == 400
    trace_id = answer.json()["trace_id"]
    assert answer.headers["traceparent"].split("-")[1] == trace_id
    wait_until(lambda: system.logs("gateway", event="request.refused", trace_id=trace_id),
               what="a log line under the trace")


def test_full_queue_is_told_at_once(make_system):
    system = make_system({"TALLYSTICK_GATEWAY_QUEUE_SIZE": 2,
                          "TALLYSTICK_DECISION_TIMEOUT_MS": 20000})
    system.authorize("user-full")
    system.pause("authorization")
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        sent = [pool.submit(system.authorize, "user-full") for _ in range(40)]
        wait_until(lambda: sum(future.done() for future in sent) > 30, 15,
                   what="those that found no place were told while the others wait")
        told = [future.result() for future in sent if future.done()]
        system.resume("authorization")
        answers = [future.result() for future in sent]
    assert {answer.status_code for answer in told} == {503}
    refused = [answer for answer in answers if answer.status_code != 201]
    for answer in refused:  # some of them only now: a busy machine brings requests late
        assert (answer.status_code, answer.json()["code"]) == (503, "backpressure")
        assert answer.headers["Retry-After"] == "1"
    made = system.sql('SELECT count(*) FROM "authorization".credit_authorization')
    assert made[0].count == 41 - len(refused), "what was refused was not done"


def test_batch_larger_than_the_queue(make_system):
    system = make_system({"TALLYSTICK_GATEWAY_QUEUE_SIZE": 8})
    items = [{"transaction_id": f"tx-{n}", "user_id": f"user-{n}", "amount": 1}
             for n in range(1000)]
    answers = system.post("/v1/authorizations/batch", {"items": items}).json()["items"]
    assert len(answers) == 1000
    assert {answer.get("code", "decided") for answer in answers} <= {"decided", "backpressure"}
    for item, answer in zip(items, answers, strict=True):
        assert answer.get("transaction_id", item["transaction_id"]) == item["transaction_id"]


def test_hanging_service_is_a_504_and_the_key_finds_out(make_system):
    system = make_system({"TALLYSTICK_DECISION_TIMEOUT_MS": 500})
    ask = {"user_id": "user-hang", "transaction_id": "tx-hang", "key": "key-hang"}
    system.authorize("user-hang")
    system.pause("authorization")
    late = system.authorize(**ask)
    assert (late.status_code, late.json()["code"]) == (504, "deadline_exceeded")
    assert late.json()["retryable"] is True
    system.resume("authorization")
    found = wait_until(lambda: (a := system.authorize(**ask)).status_code < 500 and a)
    assert found.status_code == 201
    count = system.sql('SELECT count(*) FROM "authorization".credit_authorization '
                       "WHERE transaction_id = 'tx-hang'")
    assert count[0].count == 1


def test_service_that_is_down(make_system):
    system = make_system()
    system.stop("authorization", "ledger", "saga")
    refused = [system.authorize(), system.get("/v1/accounts/u"),
               system.get("/v1/accounts/u/entries"), system.get(f"/v1/sagas/{uuid.uuid4()}")]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (503, "dependency_down")
        assert answer.headers["Retry-After"] == "1"
    system.start("authorization", "ledger", "saga")
    assert system.authorize().status_code == 201


def test_lost_answer_is_asked_for_again(make_system):
    """The authorization service dies with a request under way and comes back: one outcome."""
    system = make_system({"TALLYSTICK_DECISION_TIMEOUT_MS": 20000})
    system.authorize("user-lost")
    system.pause("authorization")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sent = pool.submit(system.authorize, "user-lost", transaction_id="tx-lost")
        asked = lambda: len(system.logs("gateway", event="request.received")) == 2
        wait_until(asked, what="the request is at the door")
        system.kill("authorization")
        system.start("authorization")
        answer = sent.result()
    assert (answer.status_code, answer.json()["transaction_id"]) == (201, "tx-lost")


def test_wait_for_the_booking(system):
    booked = system.authorize("user-wait", headers={"Prefer": "wait=20"})
    assert booked.headers["Tallystick-Booking"] == "completed"
    assert booked.headers["Preference-Applied"] == "wait=20"
    assert system.saga(booked.json()) == "completed"
    declined = system.authorize("user-wait", "5000.00", headers={"Prefer": "wait=20"})
    assert declined.json()["status"] == "declined"
    assert "Tallystick-Booking" not in declined.headers
    ignored = system.authorize("user-wait", headers={"Prefer": "respond-async, wait=x"})
    assert "Preference-Applied" not in ignored.headers


def test_wait_for_a_booking_that_is_refused(system):
    """The ledger's account alone is frozen: approved by the one, refused by the other, undone."""
    system.authorize("user-refused", "7.00", headers={"Prefer": "wait=20"})
    frozen = system.tallystick("ledger", "account", "freeze", "user-refused")
    assert frozen.returncode == 0, frozen.stderr
    refused = system.authorize("user-refused", "5.00", headers={"Prefer": "wait=20"})
    assert (refused.status_code, refused.json()["status"]) == (201, "approved")
    assert refused.headers["Tallystick-Booking"] == "reversed"
    assert system.get(refused.headers["Location"]).json()["status"] == "reversed"
    balance = system.get("/v1/accounts/user-refused/balance").json()
    assert balance["held"]["amount"] == "7.00"


def test_many_wait_together(system):
    def ask(number):
        prefer = {"Prefer": "handling=strict, wait=25"}
        return system.authorize(f"user-wait-{number}", headers=prefer)

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(ask, range(50)))
    assert {answer.headers["Tallystick-Booking"] for answer in answers} == {"completed"}


def test_booking_that_takes_too_long_is_pending(make_system):
    system = make_system()
    ask = {"user_id": "user-slow", "transaction_id": "tx-slow", "key": "key-slow"}
    system.pause("outbox")
    pending = system.authorize(**ask, headers={"Prefer": "wait=1"})
    assert pending.headers["Tallystick-Booking"] == "pending"
    system.resume("outbox")
    booked = system.authorize(**ask, headers={"Prefer": "wait=20"})
    assert booked.headers["Tallystick-Booking"] == "completed"
    assert booked.content == pending.content, "the body is the decision, booked or not"


def test_stop_answers_what_is_under_way(make_system):
    system = make_system({"TALLYSTICK_DECISION_TIMEOUT_MS": 20000})
    system.authorize("user-stop")
    system.pause("authorization")
    gateway = system.services["gateway"]
    with raw_http.connection(system) as busy, raw_http.connection(system) as idle:
        idle.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw_http.read_answers(idle, 1)[0].status_code == 200
        busy.sendall(authorize_bytes("user-stop"))
        wait_until(lambda: len(system.logs("gateway", event="request.received")) == 2)
        gateway.signal(signal.SIGTERM)
        wait_until(lambda: refuses_connections(system), what="the door is closed")
        idle.sendall(authorize_bytes("user-stop"))
        with contextlib.suppress(OSError):  # told so, or closed: never half an answer
            for answer in raw_http.read_answers(idle, 1):
                assert (answer.status_code, answer.json()["code"]) == (503, "draining")
        system.resume("authorization")
        [answer] = raw_http.read_answers(busy, 1)
        assert answer.status_code == 201
    assert gateway.wait() == 0
    system.start("gateway")


def refuses_connections(system):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", system.ports["gateway"])) != 0


def test_requests_of_a_client_that_left_are_still_decided(system):
    with raw_http.connection(system) as sock:
        body = json.dumps({"transaction_id": "tx-left", "user_id": "user-left", "amount": 1})
        sock.sendall(raw_http.post("/authorize", body.encode(), "Idempotency-Key: key-left"))
    query = 'SELECT count(*) FROM "authorization".credit_authorization WHERE transaction_id = %s'
    wait_until(lambda: system.sql(query, "tx-left")[0].count == 1)
    again = system.post("/authorize", body.encode(), key="key-left")
    assert again.headers["Idempotent-Replayed"] == "true"


def test_threads_that_hammer_one_account_and_leave(system):
    """Clients that break off at any point harm nobody else."""
    def break_off(number):
        data = authorize_bytes("user-broken")
        with raw_http.connection(system) as sock:
            sock.sendall(data[:number % len(data)])

    threads = [threading.Thread(target=break_off, args=(n * 7,)) for n in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert system.authorize("user-broken").status_code == 201
