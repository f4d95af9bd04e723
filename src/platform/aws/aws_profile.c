#include "platform/aws/aws_profile.h"

#include "base/arena.h"
#include "base/assert.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static const size_t FILE_SIZE_MAX = 256 * 1024;

/* ---- one file ------------------------------------------------------------------------------ */

#define FIELD(name) offsetof(struct aws_profile, name)

static const struct {
    const char *setting;
    size_t offset;
} SETTINGS[] = {
    {"aws_access_key_id", FIELD(access_key_id)},
    {"aws_secret_access_key", FIELD(secret_access_key)},
    {"aws_session_token", FIELD(session_token)},
    {"region", FIELD(region)},
};

/* Ways to credentials that need more than a file. */
static const char *const UNSUPPORTED[] = {
    "role_arn", "credential_process", "sso_session", "sso_start_url", "web_identity_token_file",
};

/* A value ends where a comment begins: a # or ; after a blank. */
static struct text without_comment(struct text value)
{
    for (size_t at = 1; at < value.size; at++)
        if ((value.data[at] == '#' || value.data[at] == ';') &&
            (value.data[at - 1] == ' ' || value.data[at - 1] == '\t'))
            return text_trim((struct text){value.data, at});
    return value;
}

static void add_setting(struct aws_profile *profile, struct text line)
{
    const struct text name = text_trim(text_cut(&line, '='));
    const struct text value = without_comment(text_trim(line));
    if (value.size == 0)
        return;
    for (size_t at = 0; at < COUNT(SETTINGS); at++) {
        struct text *field = (struct text *)(void *)((char *)profile + SETTINGS[at].offset);
        if (text_equals_c(name, SETTINGS[at].setting) && text_is_none(*field))
            *field = value;
    }
    for (size_t at = 0; at < COUNT(UNSUPPORTED); at++)
        if (text_equals_c(name, UNSUPPORTED[at]))
            profile->unsupported = text_of(UNSUPPORTED[at]);
}

/* `line` begins with [. */
static bool is_section(struct text line, bool is_config, struct text name)
{
    line = text_skip(line, 1);
    line = text_trim(text_cut(&line, ']'));
    if (is_config && !text_equals_c(name, "default")) {
        if (!text_starts_with(line, "profile ") && !text_starts_with(line, "profile\t"))
            return false;
        line = text_trim(text_skip(line, sizeof "profile"));
    }
    return text_equals(line, name);
}

bool aws_profile_parse(struct text file, bool is_config, struct aws_profile *profile)
{
    bool is_ours = false;
    bool is_found = false;
    while (file.size > 0) {
        struct text line = text_cut(&file, '\n');
        if (line.size > 0 && line.data[line.size - 1] == '\r')
            line.size--;
        const struct text trimmed = text_trim(line);
        if (trimmed.size == 0 || trimmed.data[0] == '#' || trimmed.data[0] == ';')
            continue;
        if (trimmed.data[0] == '[')
            is_ours = is_section(trimmed, is_config, profile->name);
        else if (is_ours && trimmed.data == line.data) /* what is indented belongs to a group */
            add_setting(profile, trimmed);
        is_found |= is_ours;
    }
    return is_found;
}

/* ---- files --------------------------------------------------------------------------------- */

enum status aws_file_read(struct arena *arena, const char *path, struct text *text_out,
                          struct error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(err, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_INVALID,
                         "'%s' cannot be read: %s", path, strerror(errno));
    struct text_builder whole;
    char piece[4096];
    text_builder_init(&whole, arena, sizeof piece);
    for (size_t got; whole.size < FILE_SIZE_MAX && (got = fread(piece, 1, sizeof piece, file)) > 0;)
        text_builder_add(&whole, piece, got);
    const bool is_whole = feof(file);
    fclose(file);
    if (!is_whole)
        return error_set(err, ERR_INVALID, "'%s' cannot be read, or is too large", path);
    *text_out = text_builder_text(&whole);
    return OK;
}

/* What `variable` names, else `name` in ~/.aws; NULL: there is no home. */
static const char *path_of(struct arena *arena, const char *variable, const char *name)
{
    const char *path = getenv(variable);
    const char *home = getenv("HOME");
    if (path != NULL && path[0] != '\0')
        return path;
    if (home == NULL || home[0] == '\0')
        return NULL;
    return text_to_c(arena, text_format(arena, "%s/.aws/%s", home, name));
}

static enum status add_file(struct arena *arena, const char *path, bool is_config,
                            struct aws_profile *profile, bool *is_found)
{
    struct error err;
    struct text file;
    if (path == NULL)
        return OK;
    const enum status read = aws_file_read(arena, path, &file, &err);
    if (read == OK)
        *is_found |= aws_profile_parse(file, is_config, profile);
    return read == ERR_NOT_FOUND ? OK : read;
}

enum status aws_profile_read(struct arena *arena, struct aws_profile *profile_out,
                             struct error *err)
{
    const char *name = getenv("AWS_PROFILE");
    const char *credentials = path_of(arena, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    const char *config = path_of(arena, "AWS_CONFIG_FILE", "config");
    struct aws_profile profile = {.name = text_of(name == NULL || !*name ? "default" : name)};
    bool is_found = false;
    if (add_file(arena, credentials, false, &profile, &is_found) != OK ||
        add_file(arena, config, true, &profile, &is_found) != OK)
        return error_set(err, ERR_INVALID, "'%s' or '%s' cannot be read", credentials, config);
    if (!is_found)
        return error_set(err, ERR_NOT_FOUND, "there is no profile '%.*s' in '%s' or '%s'",
                         TEXT_ARGS(profile.name), credentials == NULL ? "" : credentials,
                         config == NULL ? "" : config);
    *profile_out = profile;
    return OK;
}
