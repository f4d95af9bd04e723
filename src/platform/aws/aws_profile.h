/* platform/aws/aws_profile.h - the files that the AWS tools share: credentials and config.
 *
 * Purpose:   reads one profile (AWS_PROFILE, else `default`) from AWS_SHARED_CREDENTIALS_FILE
 *            (~/.aws/credentials) and AWS_CONFIG_FILE (~/.aws/config); the former wins.
 * Units:     none.
 * Ownership: texts live in the arena given.
 * Errors:    ERR_NOT_FOUND: no file has the profile. ERR_INVALID: a file cannot be read.
 * Threads:   any; reads the environment and files. */
#ifndef PLATFORM_AWS_AWS_PROFILE_H
#define PLATFORM_AWS_AWS_PROFILE_H

#include "base/error.h"
#include "base/text.h"

struct aws_profile {
    struct text name;
    struct text access_key_id; /* TEXT_NONE: the profile does not say; so for all below */
    struct text secret_access_key;
    struct text session_token;
    struct text region;
    struct text unsupported; /* a setting that names another way to credentials: role_arn ... */
};

/* Adds what `file` says of profile->name to what is known; what is set already stays. `is_config`:
 * sections are named [profile NAME], but for [default]. False: no such section. */
bool aws_profile_parse(struct text file, bool is_config, struct aws_profile *profile);

MUST_CHECK enum status aws_profile_read(struct arena *arena, struct aws_profile *profile_out,
                                        struct error *err);

/* A small file as it stands. ERR_NOT_FOUND: there is none. */
MUST_CHECK enum status aws_file_read(struct arena *arena, const char *path, struct text *text_out,
                                     struct error *err);

#endif
