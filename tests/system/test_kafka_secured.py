"""Kafka as it stands elsewhere: TLS, a name and a password, users who may do only so much."""
import subprocess

import pytest
from system.harness import wait_until
from system.parts import Part, free_ports

pytestmark = [pytest.mark.bus("kafka", "postgres"), pytest.mark.keystore("none")]

PASSWORD = "a password=with an equals sign"
JAAS = ("org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'user_tallystick="{PASSWORD}" user_guest="{PASSWORD}";')


def make_certificate(folder):
    """One of its own making, as a broker wants it: (key and certificate, what clients trust)."""
    key, certificate, both = (folder / name for name in ("key.pem", "ca.pem", "broker.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-keyout", key, "-out", certificate, "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return both, certificate


def settings(broker_pem):
    """A plain listener for the broker itself and for the test's own clients, who may all; another
    for everybody else."""
    port, secured, controller = free_ports(3)
    return {
        "port": port,
        "listeners": f"PLAINTEXT://127.0.0.1:{port},SECURED://127.0.0.1:{secured},"
                     f"CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},SECURED://127.0.0.1:{secured}",
        "listener.security.protocol.map":
            "PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secured.plain.sasl.jaas.config": JAAS,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": broker_pem,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:tallystick",
    }


@pytest.fixture(scope="module")
def secured(cluster, tmp_path_factory):
    """(the secured listener, what clients trust); it is the run's Kafka meanwhile."""
    folder = tmp_path_factory.mktemp("secured")
    broker_pem, ca_pem = make_certificate(folder)
    part = Part("kafka", folder, **settings(broker_pem))
    before = cluster.parts.running.get("kafka")
    try:
        cluster.parts.running["kafka"] = part.start()
        yield part.settings["advertised.listeners"].rpartition("//")[2], ca_pem
    finally:
        part.destroy()
        cluster.parts.running.pop("kafka", None)
        if before is not None:
            cluster.parts.running["kafka"] = before


def environment(secured, user, password=PASSWORD):
    address, ca_pem = secured
    return {"KAFKA_BROKERS": address, "TALLYSTICK_KAFKA_PROPERTIES": "\n".join((
        "security.protocol=SASL_SSL", "sasl.mechanism=PLAIN", f"sasl.username={user}",
        f"sasl.password={password}", f"ssl.ca.location={ca_pem}"))}


def test_a_transaction_over_tls_with_a_password(make_system, secured):
    system = make_system(bus="kafka", env=environment(secured, "tallystick"))
    made = system.authorize("user-tls", "10.00", headers={"Prefer": "wait=20"})
    assert made.headers["Tallystick-Booking"] == "completed"
    for service in system.services.values():
        assert PASSWORD not in service.log_path.read_text()


@pytest.mark.parametrize(("user", "password", "told"), [
    ("guest", PASSWORD, "make it, with 12 partitions, if it is missing, and allow to"),
    ("tallystick", "another", "uthentication"),
], ids=["may do nothing", "a wrong password"])
def test_what_stands_in_the_way_is_told(make_system, secured, user, password, told):
    """The door stays open, what was decided waits, and the log says why."""
    system = make_system(bus="kafka", env=environment(secured, user, password))
    made = system.authorize("user-waits", "10.00")
    assert made.status_code == 201

    def reasons():
        lines = [line for name in ("outbox", "ledger") for line in system.logs(name)]
        return [line["error"] for line in lines
                if line.get("event") in ("consumer.waiting", "outbox.unpublished",
                                         "outbox.waiting")]

    wait_until(lambda: any(told in reason for reason in reasons()), 30, what=f"it is told: {told}")
    assert system.get("/readyz").status_code == 200
    assert system.sql('SELECT count(*) FROM "authorization".outbox')[0].count > 0
