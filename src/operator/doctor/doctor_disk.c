/* Room: on the disk of the database, where that is this machine's, and in its write-ahead log. */
#include "operator/doctor/doctor.h"
#include "operator/operator_sql.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FREE_WARN_PERCENT = 10, FREE_FAIL_PERCENT = 3, MEGABYTE = 1024 * 1024, WAL_TIMES_WARN = 3 };

static const char MAY_NOT_SEE[] =
    "psql -c 'GRANT pg_monitor TO tallystick_operator' (migrate apply does it where it may)";

static void tell_free(struct doctor *doctor, const char *path, const struct statvfs *disk)
{
    const unsigned long long free_mb =
        (unsigned long long)disk->f_bavail * disk->f_frsize / MEGABYTE;
    const unsigned long long percent =
        disk->f_blocks == 0 ? 0 : (unsigned long long)disk->f_bavail * 100 / disk->f_blocks;
    const enum verdict verdict = percent < FREE_FAIL_PERCENT   ? VERDICT_FAIL
                                 : percent < FREE_WARN_PERCENT ? VERDICT_WARN
                                                               : VERDICT_OK;
    struct finding *finding =
        doctor_tell(doctor, "disk.data", verdict, "%llu MB (%llu %%) are free below %s", free_mb,
                    percent, path);
    if (verdict != VERDICT_OK)
        doctor_advise(doctor, finding, "make room before PostgreSQL stops: du -xh %s | sort -h",
                      path);
}

static void check_disk(struct doctor *doctor)
{
    static const char CHECK[] = "disk.data";
    const struct text directory = sql_text(doctor->server, 0, READ_SERVER_DATA_DIRECTORY);
    struct statvfs disk;
    if (!sql_bool(doctor->server, 0, READ_SERVER_IS_LOCAL)) {
        doctor_tell(doctor, CHECK, VERDICT_OK,
                    "the database is on another machine: look at its disk there");
        return;
    }
    if (text_is_none(directory)) {
        struct finding *finding =
            doctor_tell(doctor, CHECK, VERDICT_WARN, "where the data are is not ours to see");
        doctor_advise(doctor, finding, "%s", MAY_NOT_SEE);
        return;
    }
    const char *const path = text_to_c(doctor->arena, directory);
    if (statvfs(path, &disk) == 0) {
        tell_free(doctor, path, &disk);
        return;
    }
    struct finding *finding =
        doctor_tell(doctor, CHECK, VERDICT_WARN, "%s: %s", path, strerror(errno));
    doctor_advise(doctor, finding, "as the user of PostgreSQL: df -h %s", path);
}

static void tell_wal(struct doctor *doctor, struct sql_rows rows)
{
    static const char CHECK[] = "disk.wal";
    const long long size_mb = sql_i64(rows, 0, READ_WAL_SIZE) / MEGABYTE;
    const long long usual_mb = sql_i64(rows, 0, READ_WAL_SIZE_USUAL) / MEGABYTE;
    const struct text slot = sql_text(rows, 0, READ_WAL_IDLE_SLOT);
    struct finding *finding;
    if (sql_bool(rows, 0, READ_WAL_ARCHIVE_FAILS)) {
        finding = doctor_tell(doctor, CHECK, VERDICT_FAIL,
                              "%lld MB, and it cannot be archived, so all of it is kept", size_mb);
        doctor_advise(doctor, finding,
                      "psql -c 'TABLE pg_stat_archiver', and archive_command's "
                      "words in PostgreSQL's log");
    } else if (size_mb > usual_mb * WAL_TIMES_WARN) {
        finding = doctor_tell(doctor, CHECK, VERDICT_WARN, "%lld MB, where %lld MB are usual%s%.*s",
                              size_mb, usual_mb, text_is_none(slot) ? "" : ": kept for slot ",
                              TEXT_ARGS(slot));
        if (!text_is_none(slot))
            doctor_advise(
                doctor, finding,
                "start its reader, or psql -c \"SELECT pg_drop_replication_slot('%.*s')\"",
                TEXT_ARGS(slot));
    } else {
        doctor_tell(doctor, CHECK, VERDICT_OK, "%lld MB, up to %lld MB are usual", size_mb,
                    usual_mb);
    }
}

static void check_wal(struct doctor *doctor)
{
    struct sql_rows rows;
    struct error err;
    if (doctor_ask(doctor, SQL_READ_WAL, &rows, &err) == OK) {
        tell_wal(doctor, rows);
        return;
    }
    struct finding *finding =
        doctor_tell(doctor, "disk.wal", VERDICT_WARN, "not ours to see: %s", err.message);
    doctor_advise(doctor, finding, "%s", MAY_NOT_SEE);
}

const struct doctor_check DOCTOR_DISK[] = {
    {check_disk, true},
    {check_wal, true},
    {NULL, false},
};
