/* operator/operator.h - the operator's tools: commands that do one thing and end.
 *
 * Purpose:   what main.c calls. Data go to stdout, talk to stderr.
 * Units:     none.
 * Ownership: none.
 * Errors:    exit codes: 0 done, 1 failed, 2 wrong usage, 3 a violation was found, 4 something
 *            cannot be reached.
 * Threads:   called once, from main. */
#ifndef OPERATOR_OPERATOR_H
#define OPERATOR_OPERATOR_H

#include "platform/service/config.h"

extern const struct option ACCOUNT_OPTIONS[];
extern const struct option DEAD_LETTER_OPTIONS[];
extern const struct option HEALTH_OPTIONS[];
extern const struct option DOCTOR_OPTIONS[];
extern const struct option KEY_OPTIONS[];
extern const struct option LEDGER_ACCOUNT_OPTIONS[];
extern const struct option MIGRATE_OPTIONS[];
extern const struct option OUTBOX_STATUS_OPTIONS[];
extern const struct option PARKED_OPTIONS[];
extern const struct option SAGA_LIST_OPTIONS[];
extern const struct option TRACE_OPTIONS[];
extern const struct option VERIFY_OPTIONS[];

int account_main(int argc, char **argv);
int dead_letter_main(int argc, char **argv); /* tallystick dlq */
int health_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
int key_main(int argc, char **argv);
int ledger_account_main(int argc, char **argv); /* tallystick ledger account ... */
int migrate_main(int argc, char **argv);
int outbox_status_main(int argc, char **argv); /* tallystick outbox status */
int parked_main(int argc, char **argv);
int saga_list_main(int argc, char **argv); /* tallystick saga ls, show, retry ... */
int trace_main(int argc, char **argv);
int verify_main(int argc, char **argv);

#endif
