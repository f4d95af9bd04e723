"""A kept HTTP/1.1 connection to the public door. Where no answer comes it knows whether what was
asked may have happened."""
import asyncio
import collections
import json

Answer = collections.namedtuple("Answer", "status headers body")


class NotSentError(Exception):
    """Nobody took the connection: nothing can have happened."""


class LostError(Exception):
    """It was asked, and no answer came: nobody knows."""


class Door:
    """One connection, opened when it is needed and again when it broke. One request at a time."""

    def __init__(self, host, port, timeout_s):
        self.host, self.port, self.timeout_s = host, port, timeout_s
        self.reader = self.writer = None

    async def ask(self, method, path, headers, body):
        try:
            return await asyncio.wait_for(self._ask(method, path, headers, body), self.timeout_s)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            was_sent = self.writer is not None
            self.close()
            raise (LostError if was_sent else NotSentError)(str(error)) from None

    async def _ask(self, method, path, headers, body):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}",
                 f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        answer = await self._read()
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    async def _read(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in fields}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split()[1]), headers, body)

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


def json_of(answer):
    """The body of an answer; {} where it is no JSON object."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
