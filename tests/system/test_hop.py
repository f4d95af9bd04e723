"""The way from the door to the authorization service, which a test plays: what the door says when
answers get lost."""
import contextlib
import http.server
import json
import threading

import pytest

pytestmark = pytest.mark.matrix


class Player(http.server.BaseHTTPRequestHandler):
    """Answers questions by the list `replies` of its server, the last one for ever."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(json.loads(body))
        replies = self.server.replies
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply is None:
            self.close_connection = True  # and no answer
            return
        status, answer = reply
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def played(*replies):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Player)
    server.daemon_threads = True
    server.replies, server.asked = list(replies), []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


LOST = None
FULL = (503, {"code": "backpressure"})
ITEM_FULL = (200, {"items": [{"status": 503, "problem": True, "body": {"code": "backpressure"}}]})
DONE = (200, {"items": [{"status": 201, "body": {"status": "declined"}}]})


@pytest.mark.parametrize("replies, status, code", [
    ([DONE], 201, None),
    ([LOST, LOST, DONE], 201, None),
    ([FULL], 503, "backpressure"),
    ([ITEM_FULL], 503, "backpressure"),
    ([LOST], 504, "deadline_exceeded"),
    # What was asked first may have been decided, whatever became of the second question.
    ([LOST, FULL], 504, "deadline_exceeded"),
    ([LOST, ITEM_FULL], 504, "deadline_exceeded"),
    ([LOST, FULL, FULL, DONE], 201, None),
], ids=str)
def test_what_the_door_says(replies, status, code, make_system):
    with played(*replies) as authorization:
        system = make_system(start=False, env={
            "TALLYSTICK_AUTHORIZATION_URL": f"http://127.0.0.1:{authorization.server_port}",
            "TALLYSTICK_DECISION_TIMEOUT_MS": 700})
        system.start("gateway")
        answer = system.authorize(key="key-one")
        assert (answer.status_code, answer.json().get("code")) == (status, code)
        hashes = {asked["items"][0]["key_hash"] for asked in authorization.asked}
        assert len(hashes) == 1  # asked again under the same key


def test_a_change_of_an_account_is_not_asked_twice(make_system):
    """Nothing would tell its repeat from another change."""
    with played(LOST, DONE) as authorization:
        system = make_system(start=False, env={
            "TALLYSTICK_AUTHORIZATION_URL": f"http://127.0.0.1:{authorization.server_port}"})
        system.start("gateway")
        answer = system.put("/v1/accounts/user-1", {"credit_limit": "5.00"})
        assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")
        assert len(authorization.asked) == 1
