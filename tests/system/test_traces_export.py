"""What leaves for a collector, and what a collector that misbehaves does to a service: nothing.

The gateway and the authorization service are looked at here; that one trace goes through all five
is test_traces.py's business.
"""
import threading
import uuid

import pytest

from system import otlp_sink
from system.harness import wait_until
from system.otlp_sink import Collector
from system.test_metrics import Change, value

TRACED = ("gateway", "authorization", "ledger", "saga")
EXPORTED = "otel_sdk_exporter_span_exported_total"
PROCESSED = "otel_sdk_processor_span_processed_total"


@pytest.fixture(scope="module")
def told(open_system, collector):
    """A system that tells the collector everything."""
    return open_system(env=collector.environment(
        OTEL_EXPORTER_OTLP_TIMEOUT="1000",
        OTEL_EXPORTER_OTLP_HEADERS="api-key=not%20a%20secret",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test%2Fsystem"))


def caller(flag="01", state=None):
    """A caller's trace id and headers."""
    trace_id, span_id = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    headers = {"traceparent": f"00-{trace_id}-{span_id}-{flag}"}
    return trace_id, span_id, headers | ({"tracestate": state} if state else {})


def one(spans, name, kind):
    found = [span for span in spans if (span.name, span.kind) == (name, kind)]
    assert len(found) == 1, (name, kind, [(span.name, span.kind) for span in spans])
    return found[0]


def has_answered(spans):
    names = {(span.name, span.kind) for span in spans}
    return {("POST /authorize", "server"), ("authorize", "client"), ("authorize", "server"),
            ("save authorization", "client"), ("POST /internal/authorizations", "server"),
            ("POST /internal/authorizations", "client")} <= names


# ---- what is told --------------------------------------------------------------------------------

def test_a_decision_is_one_tree_below_the_caller(told, collector):
    told.authorize("holder-of-the-line")  # opens the account, by a commit of its own
    trace_id, span_id, headers = caller(state="rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
    answer = told.authorize("holder-of-the-line", headers=headers)
    spans = collector.wait(has_answered, trace_id)
    door = one(spans, "POST /authorize", "server")
    ask = one(spans, "authorize", "client")
    call = one(spans, "POST /internal/authorizations", "client")
    inner = one(spans, "POST /internal/authorizations", "server")
    decide = one(spans, "authorize", "server")
    save = next(span for span in spans if span.name == "save authorization")
    assert door.parent_id == span_id
    assert ask.parent_id == door.span_id
    assert (call.parent_id, decide.parent_id) == (ask.span_id, ask.span_id)
    assert inner.parent_id == call.span_id
    assert save.parent_id == decide.span_id
    for above, below in ((door, ask), (ask, call), (call, inner), (inner, decide)):
        assert above.begun_ns <= below.begun_ns <= below.ended_ns
    assert decide.begun_ns <= save.begun_ns <= save.ended_ns <= decide.ended_ns
    assert answer.headers["traceparent"] == f"00-{trace_id}-{door.span_id}-01"
    assert answer.headers["tracestate"] == headers["tracestate"] == door.tracestate
    body = answer.json()
    for span in (door, decide):
        assert span.attributes["tallystick.authorization.id"] == body["id"]
        assert span.attributes["tallystick.decision"] == "approved"
        assert span.attributes["tallystick.decision.reason"] == body["decision_code"]
    assert door.attributes["http.response.status_code"] == 201
    assert door.attributes["http.route"] == "/authorize"
    assert save.attributes["db.system.name"] == "postgresql"
    assert save.attributes["db.namespace"] == f"{told.database}|authorization"
    assert "insert_authorizations" in save.attributes["db.query.summary"]
    assert save.attributes["db.operation.batch.size"] >= 2
    assert {span.service for span in spans} >= {"tallystick-gateway", "tallystick-authorization"}
    assert door.resource["deployment.environment.name"] == "test/system"
    assert door.scope == "tallystick.gateway"
    assert not any(span.is_error for span in spans)


def test_requests_to_the_collector_are_as_it_was_set(told, collector):
    told.authorize()
    collector.wait(bool)
    assert {one.path for one in collector.requests} == {"/v1/traces"}
    headers = collector.requests[-1].headers
    assert headers["api-key"] == "not a secret"
    assert headers["Content-Encoding"] == "gzip"


def test_a_batch_is_one_call_and_one_save_with_links(told, collector):
    """Items of one request go to as many calls as there are workers for their lanes, not more."""
    trace_id, _, headers = caller()
    items = [{"transaction_id": f"tx-{uuid.uuid4()}", "user_id": f"batch-{n}", "amount": "1.00"}
             for n in range(30)]
    answer = told.post("/v1/authorizations/batch", {"items": items}, headers=headers)
    assert answer.status_code == 200
    spans = collector.wait(lambda spans: sum(
        1 for span in spans if (span.name, span.kind) == ("authorize", "server")) == 30
        and any(span.kind == "server" and span.name.endswith("/batch") for span in spans), trace_id)
    asked = {span.span_id for span in spans if (span.name, span.kind) == ("authorize", "client")}
    decided = {span.span_id for span in spans if (span.name, span.kind) == ("authorize", "server")}
    calls = [span for span in spans if (span.name, span.kind) ==
             ("POST /internal/authorizations", "client")]
    assert len(asked) == 30
    assert len(calls) < 30
    carried = [span_id for call in calls
               for span_id in (call.parent_id, *(linked for _, linked in call.links))]
    assert sorted(carried) == sorted(asked)
    saves = [span for span in spans if span.name == "save authorization"]
    assert len(saves) < 30
    assert {span_id for save in saves
            for span_id in (save.parent_id, *(linked for _, linked in save.links))} == decided


def test_a_read_is_told_without_whose_it_is(told, collector):
    told.authorize("somebody-private")
    trace_id, _, headers = caller()
    assert told.get("/v1/accounts/somebody-private", headers=headers).status_code == 200
    spans = collector.wait(lambda spans: len(spans) >= 4, trace_id)
    assert {(span.name, span.kind) for span in spans} == {
        ("GET /v1/accounts/{user_id}", "server"), ("GET", "client"),
        ("GET /internal/accounts", "server"), ("find_account authorization", "client")}


def test_a_refusal_says_why_and_is_no_error(told, collector):
    trace_id, _, headers = caller()
    assert told.authorize(amount="99.999", headers=headers).status_code == 422
    door = collector.wait(bool, trace_id, kind="server", name="POST /authorize")[0]
    assert door.attributes["tallystick.problem.code"] == "amount_precision"
    assert not door.is_error


def test_an_expiry_goes_on_in_the_authorizations_trace(told, collector):
    trace_id, _, headers = caller()
    told.authorize("soon", headers=headers, expires_in=1)
    expire = collector.wait(bool, trace_id, name="expire")[0]
    assert (expire.service, expire.kind) == ("tallystick-authorization", "internal")


def test_no_holder_of_an_account_is_ever_named(told, collector):
    """Nor what was bought: of all that was sent in this file's tests."""
    told.put("/v1/accounts/holder-4111111111111111", {"credit_limit": "5.00"})
    told.authorize("holder-of-the-line", transaction_id="tx-private")
    collector.wait(lambda spans: any("put_account" == span.name for span in spans))
    said = repr(collector.spans())
    for private in ("holder-", "somebody-private", "tx-", "4111111111111111", "99.999"):
        assert private not in said, private


# ---- a collector that misbehaves -----------------------------------------------------------------

def answers(system, count=20):
    """Requests and their traces; every one must be decided as ever."""
    traces = []
    for _ in range(count):
        trace_id, _, headers = caller()
        assert system.authorize("patient", amount="0.01", headers=headers).status_code == 201
        traces.append(trace_id)
    return traces


def all_arrive(collector, traces):
    return lambda: set(traces) <= {span.trace_id for span in collector.spans(kind="server")}


@pytest.mark.parametrize("manner", [
    otlp_sink.refusing(503), otlp_sink.refusing(429), otlp_sink.refusing(502), otlp_sink.half,
    otlp_sink.garbage,
], ids=["503", "429", "502", "half", "garbage"])
def test_what_can_help_is_tried_again(told, collector, manner):
    collector.behave(manner, times=3)
    traces = answers(told)
    wait_until(all_arrive(collector, traces), 30, what="every trace, later")


def test_a_pause_that_is_asked_for_is_made(told, collector):
    collector.forget()
    collector.behave(otlp_sink.refusing(503, Retry_After=2), times=1)
    traces = answers(told, 3)
    wait_until(all_arrive(collector, traces), 30, what="every trace, later")
    refused = next(request for request in collector.requests if request.status is None)

    def tried_again():
        return [request.at for request in list(collector.requests)
                if request.at > refused.at and request.size == refused.size]

    assert wait_until(tried_again)[0] - refused.at >= 2


def test_one_that_is_away_is_found_again(told, collector):
    port = collector.port
    collector.close()
    traces = answers(told)
    collector.open(port)
    wait_until(all_arrive(collector, traces), 40, what="every trace, later")


def test_what_is_refused_for_good_is_counted(told, collector):
    refused = Change(told, "gateway")
    collector.behave(otlp_sink.refusing(400))
    answers(told, 3)
    wait_until(lambda: refused.of(EXPORTED, error_type="refused") > 0)
    collector.behave()
    wait_until(lambda: told.logs("gateway", event="tracing.failing"))
    wait_until(all_arrive(collector, answers(told, 1)))
    wait_until(lambda: told.logs("gateway", event="tracing.recovered"))


def test_nonsense_that_says_yes_is_a_yes(told, collector):
    taken = Change(told, "gateway")
    collector.behave(otlp_sink.nonsense, times=20)
    answers(told, 3)
    wait_until(lambda: taken.of(EXPORTED, error_type="") > 0)
    collector.behave()


def test_what_finds_no_room_is_dropped_and_counted_and_holds_up_no_stop(make_system):
    """The collector takes a connection and never answers; the queue is short."""
    release = threading.Event()
    with Collector() as mute:
        mute.behave(otlp_sink.slow(release))
        system = make_system(env=mute.environment(OTEL_BSP_MAX_QUEUE_SIZE="20",
                                                  OTEL_BSP_MAX_EXPORT_BATCH_SIZE="10"))
        answers(system, 60)
        for service in ("gateway", "authorization"):
            assert value(system, service, PROCESSED, error_type="queue_full") > 0
            assert value(system, service, PROCESSED, error_type="") <= 10 + 20 + 10
            assert value(system, service, "otel_sdk_processor_span_queue_capacity") == 20
        system.settle()
        system.stop()
        for service in TRACED:
            assert system.logs(service, event="service.stopped")
        release.set()


# ---- who is traced -------------------------------------------------------------------------------

def test_a_ratio_is_decided_by_the_id_and_a_caller_by_its_flag(make_system):
    with Collector() as few:
        system = make_system(env=few.environment(
            OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="0.25"))
        wanted, unwanted = set(), set()
        for number in range(80):
            _, trace_id, _, flag = system.authorize(f"u-{number}").headers["traceparent"].split("-")
            chosen = int(trace_id[16:], 16) >> 1 < 2 ** 63 // 4
            assert flag == ("01" if chosen else "00")
            (wanted if chosen else unwanted).add(trace_id)
        for flag, traces in (("01", wanted), ("00", unwanted)):
            trace_id, _, headers = caller(flag)
            answer = system.authorize("u-called", headers=headers)
            assert answer.headers["traceparent"].endswith(f"-{flag}")
            traces.add(trace_id)
        system.settle()
        system.stop()  # sends what is left
        assert {span.trace_id for span in few.spans(name="POST /authorize")} == wanted
        assert not unwanted & {span.trace_id for span in few.spans()}


@pytest.mark.parametrize("environment", [
    {"OTEL_SDK_DISABLED": "true"},
    {"OTEL_TRACES_EXPORTER": "none"},
    {"OTEL_TRACES_SAMPLER": "always_off"},
    {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
], ids=["disabled", "no exporter", "no sample", "no endpoint"])
def test_nothing_is_sent_unless_it_is_wanted(make_system, environment):
    with Collector() as idle:
        system = make_system(env=idle.environment() | environment, start=False)
        system.start("gateway")
        assert system.get("/problems/not_found").status_code == 200
        system.stop()
        assert idle.requests == []


def test_a_setting_that_means_nothing_stops_nobody(make_system):
    with Collector() as strict:
        system = make_system(env=strict.environment(
            OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_TRACES_SAMPLER="sometimes"), start=False)
        system.start("gateway")
        assert system.get("/problems/not_found").status_code == 200
        system.stop()
        ignored = system.logs("gateway", event="tracing.setting_ignored")
        assert [line["variable"] for line in ignored] == [
            "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_TRACES_SAMPLER"]
        assert strict.spans(name="GET /problems/{code}")
