"""A service that starts after days of rest: the partitions of today's keys are not there yet."""

PARTITIONS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = '"authorization".idempotency_key'::regclass"""


def test_first_request_after_idle_days(make_system):
    system = make_system(start=False)
    for row in system.sql(PARTITIONS):
        system.sql(f'DROP TABLE "authorization".{row.relname}')
    assert system.sql(PARTITIONS) == []
    system.start()
    answer = system.authorize("user-idle", "1.00", key="after-the-holidays")
    assert answer.status_code == 201
    again = system.authorize("user-idle", "1.00", key="after-the-holidays",
                             transaction_id=answer.json()["transaction_id"])
    assert (again.status_code, again.content) == (201, answer.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert system.sql(PARTITIONS) != []
