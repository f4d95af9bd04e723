"""The five services as processes, and the scripts that start what they stand on."""
import collections
import http.client
import os
import signal
import subprocess
import threading
import time

from running.settings import ROOT
from running.terminal import Failure, Stop, say

LAST_LINES = 20  # of a service that ended by itself


class Script:
    """A script of tools/ under way, in a session of its own: Ctrl-C is for us."""

    def __init__(self, name, *args):
        self.what = f"tools/{name} {args[0]}"
        self.process = subprocess.Popen([ROOT / "tools" / name, *args], stdout=subprocess.PIPE,
                                        text=True, start_new_session=True)

    def finish(self, pause=time.sleep):
        """What it printed. `pause` may raise Stop: then the script is ended."""
        try:
            while self.process.poll() is None:
                pause(0.02)
        except Stop:
            self.end()
            raise
        printed = self.process.communicate()[0]
        if self.process.returncode != 0:
            raise Failure(f"{self.what} failed")
        return printed.strip()

    def end(self):
        """Ends it where it is, if it has not ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()


class Service:
    """One process; a thread of ours reads its lines."""

    def __init__(self, binary, name, environment, screen):
        self.name, self.screen = name, screen
        self.last_lines = collections.deque(maxlen=LAST_LINES)
        self.admin_port = int(environment[f"TALLYSTICK_{name.upper()}_ADMIN_PORT"])
        # A session of its own: Ctrl-C is for us. Should we die, it is told to stop.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", binary, name], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            line = line.decode(errors="replace").rstrip("\n")
            self.last_lines.append(line)
            self.screen.show(self.name, line)

    def check_alive(self):
        code = self.process.poll()
        if code is None:
            return
        self.reader.join(1)
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        lines = "\n".join(f"    {line}" for line in self.last_lines)
        raise Failure(f"{self.name} ended with {how}; its last lines:\n{lines}")

    def is_ready(self):
        self.check_alive()
        door = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=2)
        try:
            door.request("GET", "/readyz")
            return door.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            door.close()

    def end(self, deadline):
        """Waits for an end that was asked for. True when it came in time and was clean."""
        try:
            code = self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.reader.join(1)
        if code != 0:
            say(f"{self.name} did not stop cleanly ({code})")
        return code == 0
