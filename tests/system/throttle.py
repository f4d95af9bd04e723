"""A DynamoDB that has too much to do: a proxy that refuses a share of the calls as AWS does."""
import http.client
import http.server
import json
import threading

THROTTLED = json.dumps({
    "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "message": "The level of configured provisioned throughput was exceeded."}).encode()


class Throttle:
    """`share`: of a hundred calls so many are refused; all others go on to the real one."""

    def __init__(self, part):
        self.part, self.share = part, 0
        self.calls = self.refused = 0
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _is_refused(self):
        with self.lock:
            self.calls += 1
            is_refused = self.calls * 37 % 100 < self.share
            self.refused += is_refused
            return is_refused

    def _handler(throttle):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            upstream = None

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if throttle._is_refused():
                    self.answer(400, THROTTLED)
                    return
                if self.upstream is None:
                    self.upstream = http.client.HTTPConnection("127.0.0.1", throttle.part.port)
                self.upstream.request("POST", "/", body, dict(self.headers))
                said = self.upstream.getresponse()
                self.answer(said.status, said.read())

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass
        return Handler

    def close(self):
        self.server.shutdown()
        self.server.server_close()
