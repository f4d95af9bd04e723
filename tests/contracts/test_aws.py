"""The contract with AWS: what leaves this machine is signed as AWS's own library signs it, with the
credentials that its own tools would find, and what comes back is understood."""
import collections
import contextlib
import datetime
import http.server
import json
import os
import ssl
import subprocess
import threading
from unittest import mock

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from system.harness import BINARY, BROKEN

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalr/XUtn+FEMI"}
TOKEN = "IQoJb3JpZ2lu/EXAMPLE+token=="

Seen = collections.namedtuple("Seen", "method path headers body peer")


class Far:
    """The other side of a socket: remembers every request, answers what `answer` says: (status,
    body), bytes to send as they are before the connection ends, or None for silence."""

    def __init__(self, answer, certificate=None):
        self.answer, self.seen, self.lock = answer, [], threading.Lock()
        self.ends = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(far):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                seen = Seen(self.command, self.path, self.headers, body, self.client_address)
                with far.lock:
                    far.seen.append(seen)
                    said = far.answer(seen)
                if isinstance(said, tuple):
                    self.send_response(said[0])
                    data = said[1].encode()
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                    return
                if said is None:
                    far.ends.wait()
                else:
                    self.wfile.write(said)
                self.close_connection = True

            do_POST = do_GET = do_PUT = handle_any

            def log_message(self, *args):
                pass
        return Handler

    def close(self):
        self.ends.set()
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def far_side(answer=lambda seen: (200, "{}"), certificate=None):
    far = Far(answer, certificate)
    try:
        yield far
    finally:
        far.close()


def call(service, *calls, env, connections=4, deadline_ms=20000):
    """What became of each call (action, body), made by the services' own client."""
    path = BINARY.parents[1] / "tests/contracts/aws_call"
    assert path.exists(), f"{path} is not built; see tests/README.md"
    alone = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_REGION": REGION,
             "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [path, service, str(connections), str(deadline_ms)], env=alone | env, timeout=60,
        input="".join(f"{action}\t{body}\n" for action, body in calls).encode(),
        capture_output=True)
    assert done.returncode == 0 and not BROKEN.search(done.stderr), done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- signing -------------------------------------------------------------------------------------

JSON = "application/x-amz-json-1.0"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
CALLS = {
    "dynamodb": ("PutItem", '{"Item":{"a":{"S":"\u00e9"}}}', JSON, "DynamoDB_20120810.PutItem"),
    "sqs": ("SendMessage", '{"MessageBody":"a b"}', JSON, "AmazonSQS.SendMessage"),
    "sns": ("Publish", "Action=Publish&Version=2010-03-31&Message=a%20b%2B", FORM, None),
}


def signed_headers(authorization):
    return authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")


@pytest.mark.parametrize("token", [None, TOKEN], ids=["keys", "token"])
@pytest.mark.parametrize("service", CALLS)
def test_botocore_signs_the_same(service, token):
    action, body, content_type, target = CALLS[service]
    env = KEYS | ({"AWS_SESSION_TOKEN": token} if token else {})
    with far_side() as far:
        done = call(service, (action, body), env=env | {"AWS_ENDPOINT_URL": far.url})
    assert [one["outcome"] for one in done] == ["done"]
    [seen] = far.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/", body.encode())
    assert seen.headers["Content-Type"] == content_type
    assert seen.headers["X-Amz-Target"] == target
    assert seen.headers["X-Amz-Security-Token"] == token

    ours = {"Content-Type": content_type} | ({"X-Amz-Target": target} if target else {})
    again = AWSRequest("POST", f"{far.url}/", data=seen.body, headers=ours)
    at = datetime.datetime.strptime(seen.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
    with mock.patch("botocore.auth.get_current_datetime", return_value=at):
        credentials = Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], token)
        SigV4Auth(credentials, service, REGION).add_auth(again)
    assert seen.headers["Authorization"] == again.headers["Authorization"]
    # Nothing that a proxy may add, change or drop is among what is signed.
    expected = {"content-type", "host", "x-amz-date"}
    expected |= {"x-amz-target"} if target else set()
    expected |= {"x-amz-security-token"} if token else set()
    assert set(signed_headers(seen.headers["Authorization"])) == expected
    assert not {"traceparent", "expect"} & {name.lower() for name in seen.headers}


# ---- credentials from the machine ----------------------------------------------------------------

def who(seen):
    """(access key, token) that a request was signed with."""
    key = seen.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
    return key, seen.headers["X-Amz-Security-Token"]


def credentials(expires_in_s=3600):
    expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=expires_in_s)
    return json.dumps({"Code": "Success", "AccessKeyId": "ASIAMACHINE", "Token": "machine-token",
                       "SecretAccessKey": "s", "Expiration": expires.strftime("%FT%TZ")})


@pytest.mark.parametrize("kind", ["token", "token file", "none"])
def test_container_credentials(kind, tmp_path):
    file = tmp_path / "token"
    file.write_text("container secret\n")
    env = {"token": {"AWS_CONTAINER_AUTHORIZATION_TOKEN": "container secret"},
           "token file": {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file)}, "none": {}}[kind]

    def answer(seen):
        return (200, credentials() if seen.method == "GET" else "{}")
    with far_side(answer) as far:
        done = call("dynamodb", *[("ListTables", "{}")] * 3, env=env | {
            "AWS_ENDPOINT_URL": far.url,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{far.url}/role?x=1"})
    assert [one["outcome"] for one in done] == ["done"] * 3
    asked, *calls = far.seen  # asked once for all
    assert (asked.method, asked.path) == ("GET", "/role?x=1")
    assert asked.headers["Authorization"] == (None if kind == "none" else "container secret")
    assert {who(seen) for seen in calls} == {("ASIAMACHINE", "machine-token")}


def instance(seen):
    """An instance's metadata, for those who bring a session's token alone (IMDSv2)."""
    if seen.method == "PUT":
        ok = seen.path == "/latest/api/token" and \
            int(seen.headers["X-aws-ec2-metadata-token-ttl-seconds"]) > 0
        return (200, "session") if ok else (400, "")
    if seen.method == "GET" and seen.headers["X-aws-ec2-metadata-token"] != "session":
        return (401, "")
    path = "/latest/meta-data/iam/security-credentials/"
    return (200, {path: "the-role\n", f"{path}the-role": credentials()}.get(seen.path, "{}"))


def test_instance_credentials():
    with far_side(instance) as far:
        done = call("sqs", ("ListQueues", "{}"), env={
            "AWS_ENDPOINT_URL": far.url, "AWS_EC2_METADATA_DISABLED": "false",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": far.url})
    assert [one["outcome"] for one in done] == ["done"]
    assert [seen.method for seen in far.seen] == ["PUT", "GET", "GET", "POST"]
    assert who(far.seen[-1]) == ("ASIAMACHINE", "machine-token")


UNUSABLE = [
    ("nobody there", None, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("only the older metadata service", {"api/token": (403, "")}, "IMDSv2) answered 403"),
    ("an instance without a role", {"api/token": (200, "x")}, "there are no AWS credentials"),
    ("a container that refuses", {"role": (500, "")}, "answered 500"),
    ("keys that have run out", {"role": (200, credentials(-60))}, "have run out"),
    ("no JSON", {"role": (200, "<html>")}, "cannot be read"),
    ("no keys", {"role": (200, "{}")}, "without a key"),
    ("no time", {"role": (200, credentials().replace("Z", "+01"))}, "is no time"),
]


@pytest.mark.parametrize("given, answers, error", UNUSABLE, ids=[row[0] for row in UNUSABLE])
def test_machine_without_usable_credentials(given, answers, error):
    def answer(seen):
        return (answers or {}).get(seen.path.removeprefix("/latest/").lstrip("/"), (404, ""))
    with far_side(answer) as far:
        metadata = far.url if answers else "http://127.0.0.1:1"
        env = {"AWS_ENDPOINT_URL": far.url, "AWS_EC2_METADATA_DISABLED": "false",
               "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata}
        if answers and "role" in answers:
            env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{far.url}/role"
        [done] = call("dynamodb", ("ListTables", "{}"), env=env)
    assert error in done["error"]
    assert all(seen.method != "POST" for seen in far.seen)


def test_shared_files(tmp_path):
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id=no\naws_secret_access_key=no\n"
        "[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = s\n"
        "aws_session_token = t\n")
    (tmp_path / "config").write_text("[profile work]\nregion = ap-south-1\n")
    with far_side() as far:
        done = call("dynamodb", ("ListTables", "{}"), env={
            "AWS_ENDPOINT_URL": far.url, "AWS_PROFILE": "work", "AWS_REGION": "",
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
            "AWS_CONFIG_FILE": str(tmp_path / "config")})
    assert [one["outcome"] for one in done] == ["done"]
    assert who(far.seen[0]) == ("AKIDWORK", "t")
    assert "/ap-south-1/dynamodb/aws4_request" in far.seen[0].headers["Authorization"]


def test_missing_region_is_named():
    [done] = call("dynamodb", ("ListTables", "{}"), env=KEYS | {"AWS_REGION": ""})
    assert "set AWS_REGION" in done["error"]


# ---- whom it talks to ----------------------------------------------------------------------------

@pytest.fixture
def certificate(tmp_path):
    """Key and certificate of 127.0.0.1, which nobody knows."""
    path = tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", path, "-out", tmp_path / "certificate"],
                   check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "certificate").read_text())
    return path


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_https_asks_for_a_certificate(certificate, is_known):
    trust = {"AWS_CA_BUNDLE": str(certificate)} if is_known else {}
    with far_side(certificate=certificate) as far:
        [done] = call("dynamodb", ("ListTables", "{}"), deadline_ms=20000 if is_known else 3000,
                      env=KEYS | trust | {"AWS_ENDPOINT_URL": far.url})
    assert done["outcome"] == ("done" if is_known else "failed")
    if not is_known:
        assert far.seen == [] and "certificate" in done["message"] and not done["may_be_done"]


# ---- what comes back -----------------------------------------------------------------------------

THROTTLED = (400, '{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}')
REFUSED = (400, '{"__type":"x#ConditionalCheckFailedException","message":"no"}')
CUT_HEAD = b"HTTP/1.1 200 OK\r\nContent-"
CUT_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"

# What the other side says to the first, second ... try; the last to all that follow.
SCRIPTS = [
    ("success", [(200, "{}")], "done", 1, False),
    ("a refusal is final", [REFUSED], "refused", 1, False),
    ("throttled, then not", [THROTTLED, THROTTLED, (200, "{}")], "done", 3, False),
    ("trouble, then none", [(503, ""), (200, "{}")], "done", 2, True),
    ("trouble, then a refusal", [(500, ""), REFUSED], "refused", 2, True),
    ("a head that breaks off", [CUT_HEAD, (200, "{}")], "done", 2, True),
    ("a body that breaks off", [CUT_BODY, (200, "{}")], "done", 2, True),
    ("closed without a word", [b"", REFUSED], "refused", 2, True),
]


@pytest.mark.parametrize("given, script, outcome, tries, may_be_done", SCRIPTS,
                         ids=[row[0] for row in SCRIPTS])
def test_tries(given, script, outcome, tries, may_be_done):
    left = list(script)
    with far_side(lambda seen: left.pop(0) if len(left) > 1 else left[0]) as far:
        [done] = call("dynamodb", ("PutItem", "{}"), env=KEYS | {"AWS_ENDPOINT_URL": far.url})
    assert (done["outcome"], done["tries"], done["may_be_done"]) == (outcome, tries, may_be_done)
    assert len(far.seen) == tries


ENDLESS = [
    ("throttled for ever", THROTTLED, "throttled", False),
    ("trouble for ever", (500, ""), "failed", True),
    ("silence", None, "failed", True),
]


@pytest.mark.parametrize("given, answer, outcome, may_be_done", ENDLESS,
                         ids=[row[0] for row in ENDLESS])
def test_the_deadline_ends_it(given, answer, outcome, may_be_done):
    with far_side(lambda seen: answer) as far:
        [done] = call("dynamodb", ("PutItem", "{}"), env=KEYS | {"AWS_ENDPOINT_URL": far.url},
                      deadline_ms=300)
    assert (done["outcome"], done["may_be_done"]) == (outcome, may_be_done)
    assert done["tries"] > 1 or answer is None


def test_nobody_there():
    [done] = call("dynamodb", ("PutItem", "{}"), env=KEYS | {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, deadline_ms=3000)
    assert (done["outcome"], done["may_be_done"], done["status"]) == ("failed", False, 0)
    assert "onnect" in done["message"]


def test_many_calls_share_few_connections():
    def answer(seen):
        is_unlucky = b"unlucky" in seen.body and len(far.seen) < 250
        return THROTTLED if is_unlucky else (200, seen.body.decode())
    bodies = [json.dumps({"n": n, "s": "unlucky" if n % 10 == 0 else ""}) for n in range(300)]
    with far_side(answer) as far:
        done = call("dynamodb", *[("PutItem", body) for body in bodies],
                    env=KEYS | {"AWS_ENDPOINT_URL": far.url}, connections=4)
    assert [one["reply"] for one in done] == bodies  # each has its own answer
    assert {one["outcome"] for one in done} == {"done"}
    assert len({seen.peer for seen in far.seen}) <= 4
