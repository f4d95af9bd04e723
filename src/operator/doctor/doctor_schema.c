/* The schemas: are they what this binary knows, does everybody see only what is theirs. */
#include "base/arena.h"
#include "operator/doctor/doctor.h"
#include "operator/operator_sql.h"
#include "operator/schemas.h"

enum { GRANTS_SHOWN_MAX = 5 };

/* ---- migrations ------------------------------------------------------------------------------ */

static bool is_of(struct sql_rows rows, int row, const struct schema *schema)
{
    return text_equals_c(sql_text(rows, row, LIST_APPLIED_MIGRATIONS_SCHEMA), schema->name);
}

static bool is_same(struct sql_rows rows, int row, const struct sql_migration *known)
{
    return text_equals_c(sql_text(rows, row, LIST_APPLIED_MIGRATIONS_NAME), known->name) &&
           text_equals_c(sql_text(rows, row, LIST_APPLIED_MIGRATIONS_SHA256), known->sha256);
}

static void check_schema(struct doctor *doctor, struct sql_rows rows, const struct schema *schema)
{
    const char *const check = text_format(doctor->arena, "schema.%s", schema->name).data;
    const struct sql_migration *known = schema->migrations;
    struct finding *finding;
    for (int row = 0; row < rows.count; row++) {
        if (!is_of(rows, row, schema))
            continue;
        const struct text name = sql_text(rows, row, LIST_APPLIED_MIGRATIONS_NAME);
        if (known->name == NULL) {
            finding = doctor_tell(doctor, check, VERDICT_FAIL,
                                  "it has migration %.*s, which this binary does not know",
                                  TEXT_ARGS(name));
            doctor_advise(doctor, finding, "start a newer tallystick: this is %s",
                          TALLYSTICK_VERSION);
            return;
        }
        if (!is_same(rows, row, known)) {
            finding =
                doctor_tell(doctor, check, VERDICT_FAIL,
                            "migration %.*s was another one when it was applied", TEXT_ARGS(name));
            doctor_advise(doctor, finding, "start the tallystick that this database is of");
            return;
        }
        known++;
    }
    if (known->name == NULL) {
        doctor_tell(doctor, check, VERDICT_OK, "every migration is applied");
        return;
    }
    finding = doctor_tell(doctor, check, VERDICT_FAIL, "migration %s is not applied", known->name);
    doctor_advise(doctor, finding, "tallystick migrate apply");
}

static void check_migrations(struct doctor *doctor)
{
    struct sql_rows rows;
    struct error err;
    if (doctor_ask(doctor, SQL_LIST_APPLIED_MIGRATIONS, &rows, &err) != OK) {
        doctor_tell_error(doctor, "schema", &err);
        return;
    }
    for (const struct schema *schema = SCHEMAS; schema->name != NULL; schema++)
        check_schema(doctor, rows, schema);
}

/* ---- rights and settings of roles ------------------------------------------------------------ */

static void check_grants(struct doctor *doctor)
{
    static const char CHECK[] = "schema.rights";
    struct sql_rows rows;
    struct error err;
    if (doctor_ask(doctor, SQL_LIST_WRONG_GRANTS, &rows, &err) != OK) {
        doctor_tell_error(doctor, CHECK, &err);
        return;
    }
    if (rows.count == 0)
        doctor_tell(doctor, CHECK, VERDICT_OK,
                    "each service sees what is its own; nobody may change the books");
    for (int row = 0; row < rows.count && row < GRANTS_SHOWN_MAX; row++) {
        struct finding *finding =
            doctor_tell(doctor, CHECK, VERDICT_FAIL, "%.*s %.*s",
                        TEXT_ARGS(sql_text(rows, row, LIST_WRONG_GRANTS_ROLE)),
                        TEXT_ARGS(sql_text(rows, row, LIST_WRONG_GRANTS_EXCESS)));
        doctor_advise(doctor, finding, "psql -c '%.*s'",
                      TEXT_ARGS(sql_text(rows, row, LIST_WRONG_GRANTS_REVOKE)));
    }
}

static void check_role_settings(struct doctor *doctor)
{
    static const char CHECK[] = "database.role_settings";
    struct sql_rows rows;
    struct error err;
    if (doctor_ask(doctor, SQL_LIST_UNSAFE_SETTINGS, &rows, &err) != OK) {
        doctor_tell_error(doctor, CHECK, &err);
        return;
    }
    if (rows.count == 0)
        doctor_tell(doctor, CHECK, VERDICT_OK, "no role has a setting that breaks a promise");
    for (int row = 0; row < rows.count && row < GRANTS_SHOWN_MAX; row++) {
        const struct text owner = sql_text(rows, row, LIST_UNSAFE_SETTINGS_OWNER);
        struct finding *finding = doctor_tell(
            doctor, CHECK, VERDICT_FAIL, "%.*s has %.*s: answers can be lost", TEXT_ARGS(owner),
            TEXT_ARGS(sql_text(rows, row, LIST_UNSAFE_SETTINGS_SETTING)));
        doctor_advise(doctor, finding, "psql -c 'ALTER %.*s RESET synchronous_commit'",
                      TEXT_ARGS(owner));
    }
}

const struct doctor_check DOCTOR_SCHEMA[] = {
    {check_role_settings, true},
    {check_migrations, true},
    {check_grants, true},
    {NULL, false},
};
