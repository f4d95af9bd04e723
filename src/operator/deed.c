#include "operator/deed.h"

#include "base/arena.h"
#include "operator/operator_sql.h"
#include "operator/table.h"
#include "operator/tool.h"

#include <pwd.h>
#include <unistd.h>

enum { REASON_SIZE_MAX = 500, NAME_SIZE_MAX = 100, NAME_BUFFER_SIZE = 4096 };

static struct text find_os_user(struct arena *arena)
{
    struct passwd entry;
    struct passwd *found = NULL;
    char *buffer = arena_alloc(arena, NAME_BUFFER_SIZE);
    if (getpwuid_r(getuid(), &entry, buffer, NAME_BUFFER_SIZE, &found) == 0 && found != NULL)
        return text_copy(arena, text_of(found->pw_name));
    return text_format(arena, "%u", (unsigned)getuid());
}

int deed_begin(const struct tool *tool, struct arena *arena, const char *reason, const char *by,
               struct deed_words *words_out)
{
    if (reason != NULL && strlen(reason) > REASON_SIZE_MAX)
        return tool_complain(tool, "--reason is at most %d bytes", REASON_SIZE_MAX);
    if (by != NULL && (by[0] == '\0' || strlen(by) > NAME_SIZE_MAX))
        return tool_complain(tool, "--by is a name of 1 to %d bytes", NAME_SIZE_MAX);
    *words_out = (struct deed_words){
        .id = uuid_make_v7(),
        .os_user = find_os_user(arena),
        .by = text_of(by),
        .reason = reason == NULL ? TEXT("") : text_of(reason),
    };
    return TOOL_DONE;
}

int deed_begin_with_reason(const struct tool *tool, struct arena *arena, const char *reason,
                           const char *by, struct deed_words *words_out)
{
    if (reason == NULL || reason[0] == '\0')
        return tool_complain(tool, "--reason is required: whoever looks later wants to know why");
    return deed_begin(tool, arena, reason, by, words_out);
}

void deed_read_rows(struct arena *arena, struct sql_rows rows, struct table *deeds)
{
    static const char *const COLUMNS[] = {
        "at", "action", "outcome", "os_user", "by", "database_user", "deed_id", "reason", NULL};
    table_init(deeds, arena, COLUMNS);
    for (int row = 0; row < rows.count; row++) {
        struct text *cells = table_add(deeds);
        for (int column = LIST_DEEDS_AT; column <= LIST_DEEDS_REASON; column++)
            cells[column] = sql_text(rows, row, column);
    }
}

void deed_add(const struct deed_words *words, struct sql_args *args)
{
    sql_add_uuid(args, &words->id);
    sql_add_text(args, words->os_user);
    sql_add_text(args, words->by);
    sql_add_text(args, words->reason);
}
