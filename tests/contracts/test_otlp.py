"""contracts/otlp/otlp.proto against OpenTelemetry's definitions, which also read what we send."""
import subprocess

from google.protobuf import descriptor_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from system.common import ROOT
from system.harness import BINARY

OFFICIAL = {
    "ExportRequest": trace_service_pb2.ExportTraceServiceRequest,
    "ExportResponse": trace_service_pb2.ExportTraceServiceResponse,
    "PartialSuccess": trace_service_pb2.ExportTracePartialSuccess,
    "ResourceSpans": trace_pb2.ResourceSpans,
    "Resource": resource_pb2.Resource,
    "ScopeSpans": trace_pb2.ScopeSpans,
    "Scope": common_pb2.InstrumentationScope,
    "Span": trace_pb2.Span,
    "Link": trace_pb2.Span.Link,
    "Status": trace_pb2.Status,
    "KeyValue": common_pb2.KeyValue,
    "AnyValue": common_pb2.AnyValue,
}
FIELD = descriptor_pb2.FieldDescriptorProto


def ours(tmp_path):
    compiled = tmp_path / "otlp.bin"
    proto = ROOT / "contracts/otlp/otlp.proto"
    subprocess.run(["protoc-c", f"--proto_path={proto.parent}", f"--descriptor_set_out={compiled}",
                    proto], check=True)
    return descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes()).file[0].message_type


def test_each_field_is_the_standards(tmp_path):
    messages = ours(tmp_path)
    assert {message.name for message in messages} == set(OFFICIAL)
    for message in messages:
        official = descriptor_pb2.DescriptorProto()
        OFFICIAL[message.name].DESCRIPTOR.CopyToProto(official)
        theirs = {field.name: field for field in official.field}
        for field in message.field:
            other = theirs[field.name]
            assert (field.number, field.label) == (other.number, other.label), field.name
            # An enumeration is a number on the wire.
            kind = FIELD.TYPE_UINT32 if other.type == FIELD.TYPE_ENUM else other.type
            assert field.type == kind, field.name
            if field.type == FIELD.TYPE_MESSAGE:
                name = field.type_name.rpartition(".")[2]
                assert OFFICIAL[name].DESCRIPTOR.full_name == other.type_name.lstrip(".")


def pairs(attributes):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def test_what_we_send_is_read_as_it_was_meant():
    dump = BINARY.parents[1] / "tests/contracts/otlp_dump"
    body = subprocess.run([dump], check=True, capture_output=True).stdout
    request = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
    [resource] = request.resource_spans
    [scope] = resource.scope_spans
    assert pairs(resource.resource.attributes) == {
        "service.name": "tallystick-ledger", "where": "Köln"}
    assert scope.scope.name == "tallystick.ledger"
    assert scope.scope.version == (ROOT / "VERSION").read_text().strip()
    full, bare = scope.spans
    trace = bytes.fromhex("0af7651916cd43dd8448eb211c80319c")
    assert (full.trace_id, full.span_id.hex(), full.parent_span_id.hex()) == (
        trace, "00000000000000b1", "00000000000000c1")
    assert (full.name, full.kind) == ("POST /v1/authorizations", trace_pb2.Span.SPAN_KIND_SERVER)
    assert (full.start_time_unix_nano, full.end_time_unix_nano) == (1000001000, 1250001000)
    assert pairs(full.attributes) == {
        "error.type": "dependency_down", "http.response.status_code": 503, "server.port": -1,
        "tallystick.replayed": True, "tallystick.decision": "Köln",
        "tallystick.authorization.id": "01020304-0506-0708-090a-0b0c0d0e0f10"}
    assert [(link.trace_id, link.span_id.hex()) for link in full.links] == [
        (trace, "00000000000000a1"), (trace, "00000000000000a2")]
    assert full.status.code == trace_pb2.Status.STATUS_CODE_ERROR
    assert (full.trace_state, full.flags) == ("rojo=1,congo=2", 1)
    assert (bare.name, bare.kind) == ("expire", trace_pb2.Span.SPAN_KIND_INTERNAL)
    assert (bare.parent_span_id, bare.trace_state, len(bare.attributes)) == (b"", "", 0)
    assert bare.status.code == trace_pb2.Status.STATUS_CODE_UNSET
