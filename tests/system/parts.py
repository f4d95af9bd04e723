"""The parts beside PostgreSQL: Kafka, DynamoDB Local, SNS and SQS, and toxiproxy between any two.
Real ones, as tools/ starts them, each once per run and when a test first asks for it."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import requests
from system.common import ROOT, free_ports


class Part:
    """One part, in a directory of its own. What it listens on stays when it is started again."""

    def __init__(self, name, folder, **settings):
        self.name, self.folder = name, folder
        self.settings = {"port": free_ports(1)[0]} | settings
        self.port = self.settings["port"]
        self.address = f"127.0.0.1:{self.port}"

    def _tool(self, verb, *args):
        run = [ROOT / "tools" / self.name, verb, self.folder, *args]
        return subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True).stdout

    def start(self):
        self._tool("start", *(f"{name}={value}" for name, value in self.settings.items()))
        self.endpoint = self._tool("endpoint").strip()
        return self

    def stop(self):
        self._tool("stop")

    def _signal(self, number):
        os.kill(int((self.folder / self.name / "process").read_text()), number)

    def kill(self):
        """It ends at once, as on a machine that loses power; what it had on disk stays."""
        self._signal(signal.SIGKILL)

    def pause(self):
        """It stays, takes connections and says nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def destroy(self):
        self._tool("destroy")


class Proxy:
    """A way to a part on which a test can put faults."""

    def __init__(self, api, name, listen, upstream):
        self.path, self.listen = f"{api}/proxies/{name}", listen
        self.api = requests.Session()
        self.api.trust_env = False
        self._ask("POST", f"{api}/proxies",
                  {"name": name, "listen": listen, "upstream": upstream})

    def _ask(self, method, path, body=None):
        done = self.api.request(method, path, json=body, timeout=10)
        assert done.ok, f"toxiproxy: {method} {path}: {done.status_code} {done.text}"

    def fault(self, kind, **attributes):
        """Both ways: latency, bandwidth, timeout (a black hole), reset_peer."""
        for stream in ("upstream", "downstream"):
            self._ask("POST", f"{self.path}/toxics",
                      {"name": f"{kind}-{stream}", "type": kind, "stream": stream,
                       "attributes": attributes})

    def heal(self, kind):
        for stream in ("upstream", "downstream"):
            self._ask("DELETE", f"{self.path}/toxics/{kind}-{stream}")

    def cut(self):
        """Connections end, and new ones are refused."""
        self._ask("POST", self.path, {"enabled": False})

    def mend(self):
        self._ask("POST", self.path, {"enabled": True})

    def close(self):
        self._ask("DELETE", self.path)
        self.api.close()


def settings_of(name):
    """Kafka tells clients where it is, so that a proxy before it has a listener of its own."""
    if name != "kafka":
        return {}
    port, behind, proxy, controller = free_ports(4)
    return {
        "port": port,
        "listeners": f"PLAINTEXT://127.0.0.1:{port},BEHIND://127.0.0.1:{behind},"
                     f"CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},BEHIND://127.0.0.1:{proxy}",
        "listener.security.protocol.map":
            "PLAINTEXT:PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
    }


class Parts:
    """All parts of a test run."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tallystick-parts-", dir="/tmp"))
        self.running = {}
        self.proxies = 0

    def get(self, name):
        """The part, started."""
        if name not in self.running:
            self.running[name] = Part(name, self.folder, **settings_of(name)).start()
        return self.running[name]

    def proxy(self, upstream, port=None):
        """A proxy in front of host:port."""
        self.proxies += 1
        listen = f"127.0.0.1:{port or free_ports(1)[0]}"
        return Proxy(self.get("toxiproxy").endpoint, f"proxy-{self.proxies}", listen, upstream)

    def proxy_of(self, name):
        """A proxy in front of a part."""
        part = self.get(name)
        if name != "kafka":
            return self.proxy(part.address)
        behind = re.search(r"BEHIND://([^,]+)", part.settings["listeners"])[1]
        proxy = part.settings["advertised.listeners"].rpartition(":")[2]
        return self.proxy(behind, proxy)

    def close(self):
        for part in self.running.values():
            part.destroy()
        shutil.rmtree(self.folder)
