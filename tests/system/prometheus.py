"""A real Prometheus over a system under test, with the scrape configuration and the alert rules
that are shipped, in a hurry."""
import re

import requests
import yaml
from system.common import ROOT, free_ports
from system.harness import SERVICES
from system.parts import Part

SHIPPED = ROOT / "deploy/prometheus"

# Minutes become seconds. What a rule says beside these numbers is tested as it is shipped.
HURRY = [
    (r"^( *for:) \w+$", r"\1 0s"),
    (r"\[5m\]", "[4s]"),
    (r"\[1h\] offset 5m", "[8s] offset 4s"),
    (r"(outbox_oldest_age_seconds\)) > 30$", r"\1 > 1"),
    (r"(hold_expiry_lag_seconds\)) > 60$", r"\1 > 1"),
    (r"(_verify_lag_seconds\"}\)) > 600$", r"\1 > 2"),
    (r"(_bucket.*) > 0\.25$", r"\1 > 1"),
]


def hurried(rules):
    for pattern, faster in HURRY:
        rules, count = re.subn(pattern, faster, rules, flags=re.M)
        assert count > 0, f"no rule has {pattern} any more"
    return rules


class Prometheus:
    def __init__(self, system, folder):
        folder.mkdir()
        self.part = Part("prometheus", folder, port=free_ports(1)[0],
                         config=self._configure(system, folder)).start()
        self.api = requests.Session()
        self.api.trust_env = False

    def _configure(self, system, folder):
        """The shipped configuration with the ports of this system."""
        config = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms",
                            "scrape_timeout": "500ms"}
        targets = config["scrape_configs"][0]["static_configs"]
        assert [one["labels"]["service"] for one in targets] == list(SERVICES)
        for one in targets:
            admin = system.ports[f"{one['labels']['service']}_admin"]
            one["targets"] = [f"127.0.0.1:{admin}"]
        (folder / "alerts.yml").write_text(hurried((SHIPPED / "alerts.yml").read_text()))
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        return folder / "prometheus.yml"

    def ask(self, path, **params):
        answer = self.api.get(f"{self.part.endpoint}/api/v1/{path}", params=params, timeout=10)
        assert answer.ok, f"{params}: {answer.text}"
        return answer.json()["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def alerts(self):
        """Those that fire now, by name."""
        return {alert["labels"]["alertname"]: alert for alert in self.ask("alerts")["alerts"]
                if alert["state"] == "firing"}

    def rules(self):
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def close(self):
        self.api.close()
        self.part.destroy()
