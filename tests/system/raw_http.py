"""Bytes to the door and answers back, for what an HTTP library would never send."""
import contextlib
import http.client
import json
import socket


class Answer:
    def __init__(self, response):
        self.status_code = response.status
        self.headers = response.headers
        self.content = response.read()
        self.closes = response.will_close

    def json(self):
        return json.loads(self.content)


@contextlib.contextmanager
def connection(system, door="gateway"):
    with socket.create_connection(("127.0.0.1", system.ports[door]), timeout=30) as it:
        it.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield it


def read_answers(sock, count):
    """The next answers on a connection, in order."""
    stream = sock.makefile("rb")
    answers = []
    for _ in range(count):
        response = http.client.HTTPResponse(SharedStream(stream))
        response.begin()
        answers.append(Answer(response))
    return answers


class SharedStream:
    """What HTTPResponse takes for a socket, so that one buffer serves several answers."""

    def __init__(self, stream):
        self.stream = stream

    def makefile(self, _mode):
        return Unclosed(self.stream)


class Unclosed:
    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def close(self):
        pass


def send(system, data, count=1):
    """The answers to bytes on a connection of their own."""
    with connection(system) as sock:
        sock.sendall(data)
        return read_answers(sock, count)


def post(path, body, *headers):
    """A POST as bytes; `headers` are whole lines."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
