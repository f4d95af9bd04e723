/* What the services are told: does all of it parse, is what they need there, is any of it unsafe.
 */
#include "base/arena.h"
#include "base/assert.h"
#include "operator/doctor/doctor.h"

#include <stdlib.h>
#include <sys/stat.h>

enum { SECRET_SIZE_MIN = 16, MODE_OTHERS = 077 };

static void check_settings(struct doctor *doctor)
{
    for (int at = 0; at < ADMIN_SERVICE_COUNT; at++) {
        const char *const name = ADMIN_SERVICES[at];
        const char *const check = text_format(doctor->arena, "configuration.%s", name).data;
        struct error err;
        if (config_check(name, &err) == OK) {
            doctor_tell(doctor, check, VERDICT_OK, "every setting can be read");
            continue;
        }
        struct finding *finding = doctor_tell(doctor, check, VERDICT_FAIL, "%s", err.message);
        doctor_advise(doctor, finding, "tallystick %s --help", name);
    }
}

static void check_secret(struct doctor *doctor)
{
    static const char CHECK[] = "configuration.service_secret";
    const char *const secret = doctor->config->service_secret;
    const char *const path = getenv("TALLYSTICK_SERVICE_SECRET_FILE");
    struct stat file;
    struct finding *finding = NULL;
    if (secret == NULL)
        finding = doctor_tell(doctor, CHECK, VERDICT_FAIL, "it is not set");
    else if (strlen(secret) < SECRET_SIZE_MIN)
        finding = doctor_tell(doctor, CHECK, VERDICT_FAIL, "it has less than %d characters",
                              SECRET_SIZE_MIN);
    if (finding != NULL) {
        doctor_advise(doctor, finding,
                      "(umask 077; openssl rand -hex 32 > secret), and for every service "
                      "TALLYSTICK_SERVICE_SECRET_FILE=secret");
    } else if (path != NULL && stat(path, &file) == 0 && (file.st_mode & MODE_OTHERS) != 0) {
        finding = doctor_tell(doctor, CHECK, VERDICT_WARN, "others may read %s", path);
        doctor_advise(doctor, finding, "chmod 600 %s", path);
    } else {
        doctor_tell(doctor, CHECK, VERDICT_OK, "it is long enough");
    }
}

static void check_profile(struct doctor *doctor)
{
    if (strcmp(doctor->config->profile, "prod") == 0) {
        doctor_tell(doctor, "configuration.profile", VERDICT_OK, "prod");
        return;
    }
    struct finding *finding =
        doctor_tell(doctor, "configuration.profile", VERDICT_WARN,
                    "dev: open to everybody on this machine, unknown users get an account");
    doctor_advise(doctor, finding,
                  "in production TALLYSTICK_PROFILE=prod, and: tallystick key create --name NAME "
                  "--scopes auth:write,auth:read");
}

const struct doctor_check DOCTOR_CONFIGURATION[] = {
    {check_settings, false},
    {check_secret, false},
    {check_profile, false},
    {NULL, false},
};
