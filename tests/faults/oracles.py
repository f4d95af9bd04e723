"""What must be true when everything works again, whatever happened before."""

# Nothing is done twice for one authorization: of each kind of saga and of journal there is one.
TWICE = """
    SELECT 'saga' AS what, type::text, authorization_id FROM saga.saga
     GROUP BY type, authorization_id HAVING count(*) > 1
    UNION ALL
    SELECT 'journal', type::text, authorization_id FROM ledger.journal
     GROUP BY type, authorization_id HAVING count(*) > 1"""

DEAD_LETTERS = """
    SELECT 'authorization' AS service, error_code AS cause FROM "authorization".dead_letter
    UNION ALL SELECT 'ledger', error_code FROM ledger.dead_letter
    UNION ALL SELECT 'saga', error_code FROM saga.dead_letter"""

SUBJECTS = ("authorization.v1", "account.v1", "saga.v1")  # topics whose messages are counted


def check_books(system, timeout=60):
    """All that was decided is booked or undone to its end: outboxes, parked keys and the bus are
    empty, no saga is open; every promise that `verify` knows holds; nothing was done twice, and
    nothing was given up."""
    system.settle(timeout)
    system.verify()
    check_nothing_twice(system)
    check_nothing_given_up(system)


def check_nothing_twice(system):
    twice = system.sql(TWICE)
    assert twice == [], f"done twice: {twice}"


def check_nothing_given_up(system):
    letters = system.sql(DEAD_LETTERS)
    assert letters == [], f"given up: {letters}"


def check_order(messages):
    """Each account's and saga's messages came in the order in which they were written; a repeat may
    come later, a first time never too early."""
    latest, versions, seen = {}, {}, set()
    for message in messages:
        if message.id in seen:
            continue
        seen.add(message.id)
        head = message.headers
        place = message.topic, message.key
        assert head["ce_time"] >= latest.get(place, ""), f"{place}: {head} overtook another"
        latest[place] = head["ce_time"]
        if message.topic in SUBJECTS:
            subject, version = (message.topic, head["ce_subject"]), int(head["ce_sequence"])
            assert version in (versions.get(subject, 0), versions.get(subject, 0) + 1), subject
            versions[subject] = version
