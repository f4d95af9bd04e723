#!/usr/bin/env python3
"""mutations.py [--build BUILD] [--schedules N] [NAME ...] - breaks one rule of the sources at a
time and expects the simulation to notice.

A break is a replacement in a file of src/ (or in the text of a statement), compiled beside the
build's own objects; the sources themselves are not touched. Prints for each how the simulation
found it and in which schedule. Exit code 1: one was not found, or does not fit the sources.
"""
import argparse
import dataclasses
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BROKEN, ASSERTED = 3, -6  # of simulate: a promise, or an assertion of the sources themselves


@dataclasses.dataclass
class Break:
    file: str  # below src/; of a room's statement: its .sql
    old: str
    new: str


class Mutation:
    """One rule; more than one place where a second guard would hide the first."""
    def __init__(self, name, file, old, new, *others):
        self.name = name
        self.breaks = [Break(file, old, new), *(Break(*other) for other in others)]


MUTATIONS = [
    # ---- deciding
    Mutation("forget the hold", "authorization/authorize.c",
             "ASSERT(money_add(account->held_minor, a->approved_minor, &account->held_minor));",
             ""),
    Mutation("decide before the lock", "authorization/sql/lock_accounts.sql",
             "FOR NO KEY UPDATE OF a", ""),
    Mutation("take a busy account for a missing one", "authorization/store_load.c",
             "        place->is_busy = !place->exists;\n", ""),
    Mutation("take what is locked", "authorization/sql/lock_free_accounts.sql",
             "FOR NO KEY UPDATE OF a SKIP LOCKED", ""),
    Mutation("decline what fits exactly", "domain/authorization.c",
             "amount_minor > account_available_minor(account)",
             "amount_minor >= account_available_minor(account) / 2"),
    Mutation("approve what does not fit", "domain/authorization.c",
             "reasons |= 1u << DECISION_CREDIT_LIMIT_EXCEEDED;", ";"),
    Mutation("decide a repeat anew", "authorization/authorize.c",
             "if (decide_repeat(b, item) || repeat_of_transaction(b, item))",
             "if (decide_repeat(b, item))"),
    Mutation("replay for another request", "authorization/authorize.c",
             "if (!sha256_equals(&found->authorization.fingerprint, &item->fingerprint)) {",
             "if (false) {"),
    Mutation("replay the state of today", "authorization/answer.c",
             ".version = version,", ".version = authorization->authorization.version,"),
    Mutation("answer before the commit is known", "authorization/batch.c",
             "    TRY(store_save(b, err));\n    tell_outcomes(b);\n    count_busy(b);\n",
             "    const enum status saved = store_save(b, err);\n"
             "    if (saved != OK && saved != ERR_UNKNOWN)\n        return saved;\n"
             "    tell_outcomes(b);\n    count_busy(b);\n"),
    Mutation("keep no key", "authorization/store_save.c", "    send_keys(b);\n", ""),
    # ---- ending a hold
    Mutation("release twice", "domain/authorization.c",
             "    if (authorization->status != AUTHORIZATION_APPROVED)\n        return false;\n"
             "    ASSERT(authorization->remaining_minor > 0);\n", "",
             ("authorization/release.c", "    if (a->status != AUTHORIZATION_APPROVED)\n"
              "        return false; /* before the account is asked for: a decline may have none "
              "*/\n",
              "    if (a->status == AUTHORIZATION_DECLINED)\n        return false;\n")),
    Mutation("release and keep holding", "domain/authorization.c",
             "    account->held_minor -= authorization->remaining_minor;\n", ""),
    Mutation("forget when the next hold is due", "authorization/authorize.c",
             "account->next_expiry_us = a->expires_at_us;", ";"),
    Mutation("change without a version", "domain/authorization.c",
             "    authorization->version++;\n", ""),
    # ---- outbox, bus, inbox
    Mutation("save without what is to be said", "platform/messaging/outbox.c",
             "    if (outbox->count == 0)\n", "    if (outbox->count < 2)\n"),
    Mutation("delete what may not be published", "platform/bus/postgres_publisher.c",
             "    if (status == OK)\n        for (size_t at",
             "    if (status == OK || status == ERR_UNKNOWN)\n        for (size_t at"),
    Mutation("read the outbox in no order", "outbox/sql/read_events.sql",
             "ORDER BY o.seq", "ORDER BY o.id DESC"),
    Mutation("take lanes that others hold", "outbox/sql/lock_lanes.sql",
             "FOR UPDATE SKIP LOCKED", ""),
    Mutation("skip the inbox check", "platform/messaging/inbox.c",
             "            delivery->outcome = DELIVERY_DUPLICATE;\n    }\n    ASSERT(claimed",
             "            claimed += 0;\n    }\n    ASSERT(claimed"),
    Mutation("move the cursor before the effect", "platform/messaging/consumer.c",
             "    TRY(parked_keep_back(door, deliveries, count, err));\n",
             "    TRY(note_bus(member, bus_confirm(member->bus, err), err));\n"
             "    TRY(parked_keep_back(door, deliveries, count, err));\n"),
    Mutation("offsets without a fence", "platform/bus/sql/move_cursors.sql",
             "AND cursor.next_offset = moved.first_offset", "",
             ("platform/bus/sql/claim_cursors.sql", "FOR UPDATE OF cursor SKIP LOCKED", "")),
    Mutation("step over a message", "platform/bus/postgres_consumer.c",
             "        claim->next_offset = claim->first_offset + taken;",
             "        claim->next_offset = claim->first_offset + taken + (taken == 2);"),
    Mutation("let others overtake a parked message", "platform/messaging/delivery.c",
             "    if (delivery_waits_aside(a->door))\n        return;\n",
             "    if (a->count > 0)\n        return;\n"),
    Mutation("overtake what may be saved or not", "platform/messaging/delivery.c",
             "    if (a->down.status != OK)\n        return OK;\n    for (;;)", "    for (;;)"),
    Mutation("keep nothing back behind a parked key", "platform/messaging/parked.c",
             "    if (delivery_waits_aside(door))\n        return OK;\n    start_args",
             "    if (count > 0)\n        return OK;\n    start_args"),
    Mutation("let a parked message go untried", "platform/messaging/parked_retry.c",
             "            key->attempts < door->config->settings.park_attempts_max)\n"
             "            return;",
             "            key->attempts < door->config->settings.park_attempts_max) {\n"
             "            key->attempts = 0;\n            key->done++;\n            return;\n"
             "        }"),
    # ---- the saga
    Mutation("compensate on silence", "domain/saga.c",
             "STEP_RECORD_HOLD,           EV_OVERDUE,\n"
             "      SAGA_STUCK,        STEP_RECORD_HOLD,           STEP_UNKNOWN,      CMD_NONE },",
             "STEP_RECORD_HOLD,           EV_OVERDUE,\n"
             "      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, STEP_UNKNOWN,      "
             "CMD_RELEASE_AUTHORIZATION },"),
    Mutation("complete what was refused", "domain/saga.c",
             "EV_LEDGER_REFUSED,\n"
             "      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, STEP_FAILED,       "
             "CMD_RELEASE_AUTHORIZATION },\n"
             "    { SAGA_RUNNING,      STEP_RECORD_HOLD,           EV_DEADLINE,",
             "EV_LEDGER_REFUSED,\n"
             "      SAGA_COMPLETED,    STEP_RECORD_HOLD,           STEP_FAILED,       "
             "CMD_NONE },\n"
             "    { SAGA_RUNNING,      STEP_RECORD_HOLD,           EV_DEADLINE,"),
    Mutation("repeat a command under a new id", "saga/turn.c",
             "    if (saga->tries == 0) {\n        saga->command_id",
             "    if (saga->tries >= 0) {\n        saga->command_id"),
    Mutation("never repeat a lost booking's release", "saga/turn.c",
             "        follow_booking(turn, pair, saga, &cause);", "        (void)follow_booking;"),
    Mutation("a stuck saga is deaf", "domain/saga.c",
             "    { SAGA_STUCK,        STEP_RECORD_HOLD,           EV_HOLD_RECORDED,",
             "    { SAGA_STUCK,        STEP_RELEASE_HOLD,          EV_HOLD_RECORDED,"),
    Mutation("compensate without asking the ledger", "domain/saga.c",
             "SAGA_COMPENSATING, STEP_UNDO_HOLD,             STEP_UNKNOWN,      CMD_UNDO_HOLD },",
             "SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, STEP_UNKNOWN,      "
             "CMD_RELEASE_AUTHORIZATION },"),
    Mutation("move sagas that others move", "saga/sql/load_sagas.sql",
             "FOR NO KEY UPDATE OF saga", ""),
    Mutation("miss a release that begins while its booking ends", "saga/store.c",
             "        status = read_sagas(turn, db_rows(db, after_begin + 1), err);\n",
             "        status = OK;\n"),
    # ---- the ledger
    Mutation("forget the barrier", "ledger/post.c",
             "    if (item->is_repeat)\n        return;\n", ""),
    Mutation("post to a frozen account", "domain/posting.c",
             "    if (account->status == LEDGER_ACCOUNT_FROZEN)\n"
             "        return refuse(LEDGER_REASON_ACCOUNT_FROZEN, amount_minor);\n", ""),
    Mutation("let a freeze pass a hold under way", "ledger/store_load.c",
             "    send_lock_chains(db, batch);\n    send_find_accounts(db, batch);\n",
             "    send_find_accounts(db, batch);\n    send_lock_chains(db, batch);\n",
             ("ledger/store_load.c", "TRIP_CHAINS, TRIP_ACCOUNTS,",
              "TRIP_ACCOUNTS, TRIP_CHAINS,")),
    Mutation("release nothing", "domain/posting.c",
             "    if (hold->pending_minor == 0)\n", "    if (hold->pending_minor > 0)\n"),
    Mutation("leave the chain's head behind", "ledger/post.c",
             "    *chain = (struct chain){true, true, journal->chain_seq, journal->hash};",
             "    *chain = (struct chain){true, false, journal->chain_seq, journal->hash};"),
    Mutation("balances without the last entry", "ledger/store_save.c",
             "line < journal->entry_count; line++) {\n            const struct entry *entry = "
             "&journal->entries[line];\n            struct balance_sum",
             "line + 1 < journal->entry_count; line++) {\n            const struct entry *entry = "
             "&journal->entries[line];\n            struct balance_sum"),
]


# ---- building ------------------------------------------------------------------------------------

class Builder:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        commands = json.loads((build / "compile_commands.json").read_text())
        self.compile = {self.source_of(c): shlex.split(c["command"]) for c in commands
                        if "libcore" in c["output"]}
        ninja = subprocess.run(["ninja", "-C", build, "-t", "commands",
                                "tests/simulation/simulate"],
                               check=True, capture_output=True, text=True).stdout
        self.link = shlex.split(ninja.strip().splitlines()[-1])

    def source_of(self, command):
        return (self.build / command["file"]).resolve()

    def make(self, mutation):
        """The path of a simulate with this mutation in it."""
        texts = {}
        for broken in mutation.breaks:
            source = self.source(broken)
            texts[source] = self.text(broken, source, texts.get(source) or source.read_text())
        things = [self.make_thing(source, text) for source, text in texts.items()]
        simulate = self.folder / "simulate"
        link = list(self.link)
        link[link.index("-o") + 1] = str(simulate)
        archive = next(at for at, word in enumerate(link) if word.endswith("libcore.a"))
        self.run(link[:archive] + things + link[archive:])
        return simulate

    def make_thing(self, source, text):
        made, thing = self.folder / source.name, self.folder / f"{source.stem}.o"
        made.write_text(text)
        command = list(self.compile[source])
        for option, value in (("-o", thing), ("-MF", self.folder / "d"), ("-MQ", thing)):
            command[command.index(option) + 1] = str(value)
        command[command.index("-c") + 1] = str(made)
        self.run(command + ["-I", str(source.parent), "-w"])
        return str(thing)

    def run(self, command):
        subprocess.run(command, cwd=self.build, check=True)

    def source(self, broken):
        """Of a statement, the file that the build makes of the room's statements."""
        path = ROOT / "src" / broken.file
        if path.suffix != ".sql":
            return path
        room = path.parents[1]
        return self.build / "src" / room.relative_to(ROOT / "src") / f"{room.name}_sql.c"

    def text(self, broken, source, text):
        start, end = 0, len(text)
        if broken.file.endswith(".sql"):
            room = source.stem.removesuffix("_sql")
            start = text.index(f'"{room}.{pathlib.Path(broken.file).stem}"')
            end = text.index("};", start)
        if text[start:end].count(broken.old) != 1:
            raise ValueError(f"{broken.file} does not have this once: {broken.old!r}")
        return text[:start] + text[start:end].replace(broken.old, broken.new) + text[end:]


# ---- running -------------------------------------------------------------------------------------

def find(simulate, schedules):
    """How the simulation notices, and in which schedule; None: it does not."""
    done = subprocess.run([simulate, "--runs", str(schedules), "1"], capture_output=True, text=True,
                          timeout=1800)
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines() or ["?"]
    if done.returncode not in (BROKEN, ASSERTED):
        raise RuntimeError(f"simulate ended with {done.returncode}: {lines[-1]}")
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "..", lines[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--schedules", type=int, default=30000)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    chosen = [m for m in MUTATIONS if not args.names or any(n in m.name for n in args.names)]
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        builder = Builder(args.build.resolve(), pathlib.Path(folder))
        for mutation in chosen:
            start = time.monotonic()
            try:
                found = find(builder.make(mutation), args.schedules)
            except ValueError as error:
                found, error_text = None, f" ({error})"
            else:
                error_text = ""
            missed += found is None
            print(f"{'caught' if found else 'MISSED'}  {mutation.name}: "
                  f"{found or 'nothing was noticed' + error_text} "
                  f"[{int(time.monotonic() - start)} s]", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} mutations were caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
