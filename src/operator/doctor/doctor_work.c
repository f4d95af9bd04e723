/* What waits longer than it should: events, sagas, dead letters, parked messages, due holds. */
#include "base/arena.h"
#include "operator/doctor/doctor.h"
#include "operator/operator_sql.h"

static const char *id_of(const struct doctor *doctor, struct sql_rows rows, int column)
{
    const struct uuid id = sql_uuid(rows, 0, column);
    return text_to_c(doctor->arena, uuid_to_text(doctor->arena, &id));
}

static void tell_outbox(struct doctor *doctor, struct sql_rows rows)
{
    const int64_t age_s = sql_i64(rows, 0, READ_AGES_OUTBOX_AGE_S);
    const int64_t count = sql_i64(rows, 0, READ_AGES_OUTBOX_COUNT);
    const bool is_old = age_s >= doctor->config->outbox_age_s;
    if (count == 0 || !is_old) {
        doctor_tell(doctor, "work.outbox", VERDICT_OK, "%lld events wait, for at most %lld s",
                    (long long)count, (long long)age_s);
        return;
    }
    struct finding *finding =
        doctor_tell(doctor, "work.outbox", VERDICT_FAIL,
                    "%lld events wait, the oldest for %lld s in the %.*s outbox", (long long)count,
                    (long long)age_s, TEXT_ARGS(sql_text(rows, 0, READ_AGES_OUTBOX)));
    doctor_advise(doctor, finding,
                  "is the outbox processor there, and its bus? tallystick health outbox; curl "
                  "http://%.*s/status; tallystick outbox",
                  TEXT_ARGS(doctor_authority(doctor, 3)));
}

static void tell_sagas(struct doctor *doctor, struct sql_rows rows)
{
    const long long stuck = sql_i64(rows, 0, READ_AGES_STUCK_COUNT);
    const int64_t age_s = sql_i64(rows, 0, READ_AGES_OPEN_AGE_S);
    struct finding *finding;
    if (stuck > 0) {
        const char *const id = id_of(doctor, rows, READ_AGES_STUCK_ID);
        finding = doctor_tell(doctor, "work.sagas", VERDICT_FAIL,
                              "%lld stuck, the first of them %s", stuck, id);
        doctor_advise(doctor, finding, "tallystick trace %s; all: tallystick saga ls --state stuck",
                      id);
    } else if (age_s >= doctor->config->saga_age_s) {
        const char *const id = id_of(doctor, rows, READ_AGES_OPEN_ID);
        finding = doctor_tell(doctor, "work.sagas", VERDICT_WARN,
                              "none is stuck, but %s has been under way for %lld s", id,
                              (long long)age_s);
        doctor_advise(doctor, finding, "tallystick trace %s", id);
    } else {
        doctor_tell(doctor, "work.sagas", VERDICT_OK,
                    "none is stuck, the oldest that is under way is %lld s old", (long long)age_s);
    }
}

static void tell_letters(struct doctor *doctor, struct sql_rows rows)
{
    const long long letters = sql_i64(rows, 0, READ_AGES_LETTER_COUNT);
    const long long parked = sql_i64(rows, 0, READ_AGES_PARKED_COUNT);
    struct finding *finding;
    if (letters > 0) {
        finding = doctor_tell(doctor, "work.dead_letters", VERDICT_FAIL, "%lld are open", letters);
        doctor_advise(doctor, finding,
                      "tallystick dlq show %s; when its cause is mended: tallystick dlq redrive "
                      "(docs/runbooks/dead-letters.md)",
                      id_of(doctor, rows, READ_AGES_LETTER_ID));
    } else {
        doctor_tell(doctor, "work.dead_letters", VERDICT_OK, "none is open");
    }
    if (parked > 0) {
        finding = doctor_tell(doctor, "work.parked", VERDICT_WARN,
                              "%lld messages wait parked, the oldest since %lld s", parked,
                              (long long)sql_i64(rows, 0, READ_AGES_PARKED_AGE_S));
        doctor_advise(doctor, finding,
                      "they are tried again by themselves; why: tallystick parked ls");
    } else {
        doctor_tell(doctor, "work.parked", VERDICT_OK, "no message waits parked");
    }
}

static void tell_expiry(struct doctor *doctor, struct sql_rows rows)
{
    const long long lag_s = sql_i64(rows, 0, READ_AGES_EXPIRY_LAG_S);
    if (lag_s < doctor->config->expiry_lag_s) {
        doctor_tell(doctor, "work.expiry", VERDICT_OK, "due holds are released in time");
        return;
    }
    struct finding *finding = doctor_tell(doctor, "work.expiry", VERDICT_FAIL,
                                          "a hold is due since %lld s and not released", lag_s);
    doctor_advise(doctor, finding,
                  "is the authorization service there? tallystick health authorization; "
                  "tallystick authorization");
}

static void tell_keys(struct doctor *doctor, struct sql_rows rows)
{
    const long long count = sql_i64(rows, 0, READ_AGES_API_KEY_COUNT);
    if (strcmp(doctor->config->profile, "prod") != 0)
        return; /* nobody is asked for one */
    struct finding *finding =
        doctor_tell(doctor, "configuration.api_keys", count > 0 ? VERDICT_OK : VERDICT_FAIL,
                    "%lld open the door", count);
    if (count == 0)
        doctor_advise(doctor, finding, "tallystick key create --name first --scopes admin");
}

static void check_ages(struct doctor *doctor)
{
    struct sql_rows rows;
    struct error err;
    if (doctor_ask(doctor, SQL_READ_AGES, &rows, &err) != OK) {
        doctor_tell_error(doctor, "work", &err);
        return;
    }
    tell_keys(doctor, rows);
    tell_outbox(doctor, rows);
    tell_sagas(doctor, rows);
    tell_letters(doctor, rows);
    tell_expiry(doctor, rows);
}

const struct doctor_check DOCTOR_WORK[] = {
    {check_ages, true},
    {NULL, false},
};
