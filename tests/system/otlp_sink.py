"""A collector that takes traces by OTLP over HTTP, for tests: it reads them by OpenTelemetry's own
definitions (opentelemetry-proto), refuses what the protocol forbids, and misbehaves when it is told
to. Nothing of Tallystick's is used here.

    system = open_system(env=collector.environment())
    spans = collector.wait(lambda spans: len(spans) == 7, trace_id=trace_id)
"""
import collections
import contextlib
import gzip
import http.server
import socketserver
import struct
import threading
import time

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from system.common import wait_until

Span = collections.namedtuple(
    "Span", "service name kind trace_id span_id parent_id begun_ns ended_ns attributes links "
    "dropped_links is_error tracestate scope resource")
Request = collections.namedtuple("Request", "at path headers size spans status")

LINGER_AT_CLOSE = struct.pack("ii", 1, 0)  # an abortive end: the peer gets a reset


def value_of(value):
    return getattr(value, value.WhichOneof("value"))


def pairs_of(attributes):
    found = {one.key: value_of(one.value) for one in attributes}
    if len(found) < len(attributes):
        raise ValueError("an attribute is there twice")
    return found


def checked(span):
    """The span, or the reason why no receiver would take it."""
    if len(span.trace_id) != 16 or not any(span.trace_id):
        raise ValueError(f"trace id of {span.name!r}")
    if len(span.span_id) != 8 or not any(span.span_id) or len(span.parent_span_id) not in (0, 8):
        raise ValueError(f"span id of {span.name!r}")
    if not span.name or span.end_time_unix_nano < span.start_time_unix_nano:
        raise ValueError(f"name or times of {span.name!r}")
    if span.kind not in range(1, 6):
        raise ValueError(f"kind of {span.name!r}")
    return span


def spans_of(resource_spans):
    resource = pairs_of(resource_spans.resource.attributes)
    for scope in resource_spans.scope_spans:
        for span in map(checked, scope.spans):
            yield Span(
                service=resource["service.name"], name=span.name,
                kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                trace_id=span.trace_id.hex(), span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(), begun_ns=span.start_time_unix_nano,
                ended_ns=span.end_time_unix_nano, attributes=pairs_of(span.attributes),
                links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                dropped_links=span.dropped_links_count,
                is_error=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
                tracestate=span.trace_state, scope=scope.scope.name, resource=resource)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        collector = self.server.collector
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        manner = collector.next_manner()
        if manner is not None:
            collector.note(self, len(raw), [], None)
            return manner(self)
        status, spans = self.read(raw)
        collector.note(self, len(raw), spans, status)
        response = trace_service_pb2.ExportTraceServiceResponse()
        return self.answer(status, response.SerializeToString() if status == 200 else b"")

    def read(self, raw):
        if self.path != "/v1/traces":
            return 404, []
        if self.headers.get("Content-Type") != "application/x-protobuf":
            return 415, []
        if self.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        try:
            request = trace_service_pb2.ExportTraceServiceRequest.FromString(raw)
            return 200, [span for one in request.resource_spans for span in spans_of(one)]
        except Exception as problem:
            self.server.collector.complaints.append(repr(problem))
            return 400, []


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a service that was killed while it spoke


class Collector:
    """One receiver on a port of its own, from `with` to its end."""

    def __init__(self):
        self.lock = threading.Lock()
        self.held, self.requests, self.complaints, self.manners = [], [], [], []
        self.always = None
        self.server = None

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.close()
        assert not self.complaints, f"the collector was sent: {self.complaints}"

    def open(self, port=0):
        self.server = Server(("127.0.0.1", port), Handler)
        self.server.collector = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        """Nobody listens any more; open() with the same port comes back."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **more):
        """What leads services here, in little time."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50"} | more

    # ---- what came ------------------------------------------------------------------------------

    def note(self, handler, size, spans, status):
        with self.lock:
            self.held += spans
            self.requests.append(Request(time.monotonic(), handler.path, dict(handler.headers),
                                         size, len(spans), status))

    def spans(self, trace_id=None, **wanted):
        """Those of a trace, or all; spans(name="send x", kind="producer") only such."""
        with self.lock:
            return [span for span in self.held
                    if trace_id in (None, span.trace_id)
                    and all(getattr(span, name) == value for name, value in wanted.items())]

    def wait(self, is_enough, trace_id=None, timeout=20, **wanted):
        """The spans, as soon as is_enough(spans)."""
        found = []

        def enough():
            found[:] = self.spans(trace_id, **wanted)
            return is_enough(found)

        with contextlib.suppress(AssertionError):
            wait_until(enough, timeout)
            return found
        seen = "\n".join(f"  {s.service} {s.kind} {s.name} {s.span_id} below {s.parent_id or '-'}"
                         for s in found)
        raise AssertionError(f"not within {timeout} s; the collector has:\n{seen}")

    def forget(self):
        with self.lock:
            self.held, self.requests = [], []

    # ---- how it behaves -------------------------------------------------------------------------

    def next_manner(self):
        with self.lock:
            return self.manners.pop(0) if self.manners else self.always

    def behave(self, manner=None, times=None):
        """From now on, or `times` times, requests are answered by manner(handler); None: well."""
        with self.lock:
            if times is None:
                self.always, self.manners = manner, []
            else:
                self.manners += [manner] * times


def refusing(status, **headers):
    return lambda handler: handler.answer(status, **headers)


def slow(release):
    """Answers nothing until the event `release` is set."""
    def manner(handler):
        release.wait()
        handler.close_connection = True
    return manner


def garbage(handler):
    handler.wfile.write(b"\x00\xff\x16\x03\x01 this is no HTTP\r\n\r\n" * 20)
    handler.close_connection = True


def nonsense(handler):
    """HTTP, and a body that is no protobuf."""
    handler.answer(200, b"\xff" * 5000)


def half(handler):
    """The begin of an answer, then a reset."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")
    handler.wfile.flush()
    handler.connection.setsockopt(1, 13, LINGER_AT_CLOSE)  # SOL_SOCKET, SO_LINGER
    handler.close_connection = True
