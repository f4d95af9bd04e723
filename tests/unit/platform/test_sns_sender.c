/* The order in which entries go to SNS, and what stops when some are refused: over a client that
 * writes down what it is sent. */
#include "check.h"

#include "base/arena.h"
#include "platform/bus/sns_sender.h"

static struct arena *arena;

/* What the client is to answer, and what it saw: bodies of one call with blanks between them, calls
 * of one run with a comma, runs with a bar. */
static struct {
    const char *refused; /* bodies of entries that fail alone */
    const char *broken;  /* the call that has this body has no answer */
    const char *missing; /* the topic is not there for it */
    struct text_builder seen;
} sns;

static bool has_word(const char *words, struct text word)
{
    struct text rest = text_of(words);
    while (!text_is_none(rest))
        if (text_equals(text_cut(&rest, ' '), word))
            return true;
    return false;
}

/* The next entry's body of a form; leaves *form behind it. */
static struct text next_body(struct text *form)
{
    static const char NAME[] = ".Message=";
    const char *at = form->size == 0 ? NULL : memmem(form->data, form->size, NAME, sizeof NAME - 1);
    if (at == NULL)
        return TEXT_NONE;
    *form = text_skip(*form, (size_t)(at - form->data) + sizeof NAME - 1);
    struct text rest = *form;
    return text_cut(&rest, '&');
}

static void answer(struct aws_call *call)
{
    struct text_builder reply;
    struct text form = call->body, body;
    text_builder_init(&reply, arena, 1024);
    call->outcome = AWS_DONE;
    call->status = 200;
    text_builder_add_c(&reply, "<Result><Successful>");
    for (int at = 0; !text_is_none(body = next_body(&form)); at++) {
        text_builder_add_format(&sns.seen, "%s%.*s", at == 0 ? "" : " ", TEXT_ARGS(body));
        if (has_word(sns.broken, body)) {
            call->outcome = AWS_FAILED;
            call->may_be_done = true;
        }
        if (has_word(sns.missing, body)) {
            call->outcome = AWS_REFUSED;
            call->code = TEXT("NotFound");
        }
        if (!has_word(sns.refused, body))
            text_builder_add_format(&reply, "<member><Id>%d</Id></member>", at);
    }
    text_builder_add_c(&reply, "</Successful><Failed><member><Code>Why</Code></member></Failed>");
    call->reply = text_builder_text(&reply);
}

enum status aws_client_run(struct aws_client *client, struct arena *unused,
                           const struct aws_batch *batch, struct error *err)
{
    (void)client, (void)unused, (void)err;
    if (sns.seen.size > 0)
        text_builder_add_c(&sns.seen, "|");
    for (size_t at = 0; at < batch->count; at++) {
        text_builder_add_c(&sns.seen, at == 0 ? "" : ",");
        answer(batch->calls[at]);
    }
    return OK;
}

/* "a1 b1": a1 of group a, b1 of group b, both of topic `t`; "u/a1": of topic u; "-x": no group. */
static size_t make_entries(const char *words, struct sns_entry *entries)
{
    size_t count = 0;
    struct text rest = text_of(words);
    while (!text_is_none(rest)) {
        struct text word = text_cut(&rest, ' ');
        const bool is_of_u = text_starts_with(word, "u/"), is_alone = word.data[0] == '-';
        word = text_skip(word, is_of_u ? 2 : is_alone ? 1 : 0);
        entries[count++] = (struct sns_entry){
            .topic_arn = is_of_u ? TEXT("u") : TEXT("t"),
            .body = word,
            .group = is_alone ? TEXT_NONE : (struct text){word.data, 1},
            .deduplication = word,
        };
    }
    return count;
}

static struct text list_sent(const struct sns_entry *entries, size_t count)
{
    struct text_builder sent;
    text_builder_init(&sent, arena, 256);
    for (size_t at = 0; at < count; at++)
        if (entries[at].is_sent)
            text_builder_add_format(&sent, "%s%.*s", sent.size == 0 ? "" : " ",
                                    TEXT_ARGS(entries[at].body));
    return text_builder_text(&sent);
}

static void test_sns_send__order(void **state)
{
    (void)state;
    static const struct {
        const char *given, *entries, *refused, *broken, *missing, *seen, *sent;
        enum status then;
    } CASES[] = {
        {"nothing", NULL, "", "", "", "", "", OK},
        {"one of each key", "a1 b1 c1", "", "", "", "a1 b1 c1", "a1 b1 c1", OK},
        {"a key's next one comes after the answer", "a1 b1 a2 b2 a3", "", "", "", "a1 b1|a2 b2|a3",
         "a1 b1 a2 b2 a3", OK},
        {"more than ten keys", "a1 b1 c1 d1 e1 f1 g1 h1 i1 j1 k1 a2", "", "", "",
         "a1 b1 c1 d1 e1 f1 g1 h1 i1 j1,k1|a2", "a1 b1 c1 d1 e1 f1 g1 h1 i1 j1 k1 a2", OK},
        {"two topics: order holds within each", "a1 u/a1 a2 u/b1", "", "", "", "a1,a1 b1|a2",
         "a1 a1 a2 b1", OK},
        {"one refused: its key stops, others go on", "a1 b1 a2 b2 a3 b3", "a2", "", "",
         "a1 b1|a2 b2|b3", "a1 b1 b2 b3", ERR_BROKEN},
        {"the first refused: nothing of its key", "a1 a2 a3", "a1", "", "", "a1", "", ERR_BROKEN},
        {"no answer: all keys of the call stop", "a1 b1 a2 c1 b2", "", "b1", "", "a1 b1 c1", "",
         ERR_UNKNOWN},
        {"no topic", "a1 u/b1 u/b2", "", "", "a1", "a1,b1|b2", "b1 b2", ERR_NOT_FOUND},
        {"the first failure is told", "a1 b1 b2", "a1", "b2", "", "a1 b1|b2", "b1", ERR_BROKEN},
        {"no groups: no order", "-x -y -x", "", "", "", "x y x", "x y x", OK},
        {"no groups: one refused stops nobody", "-x -y -z", "x", "", "", "x y z", "y z",
         ERR_BROKEN},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct sns_entry entries[16];
        struct error err;
        const size_t count =
            CASES[at].entries == NULL ? 0 : make_entries(CASES[at].entries, entries);
        sns.refused = CASES[at].refused;
        sns.broken = CASES[at].broken;
        sns.missing = CASES[at].missing;
        text_builder_init(&sns.seen, arena, 256);
        CHECK_EQ(CASES[at].given, sns_send(NULL, arena, entries, count, &err), CASES[at].then);
        CHECK_TEXT(CASES[at].given, text_builder_text(&sns.seen), CASES[at].seen);
        CHECK_TEXT(CASES[at].given, list_sent(entries, count), CASES[at].sent);
    }
}

static struct text body_of(size_t size)
{
    char *body = arena_alloc(arena, size);
    memset(body, 'x', size);
    return (struct text){body, size};
}

/* Sizes in bytes of three entries, each of its own group, but the third of the first's. */
static void test_sns_send__size(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        size_t sizes[3];
        bool sent[3];
        enum status then;
    } CASES[] = {
        {"all in one call", {1000, 1000, 1000}, {true, true, true}, OK},
        {"as large as may be", {SNS_SIZE_MAX, SNS_SIZE_MAX, 1}, {true, true, true}, OK},
        {"one too large stops its key",
         {SNS_SIZE_MAX + 1, 1000, 1000},
         {false, true, false},
         ERR_INVALID},
        {"none: cannot be sent", {0, 1000, 1000}, {false, true, false}, OK},
    };
    static const char *const GROUPS[] = {"a", "b", "a"};
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct sns_entry entries[3];
        struct error err;
        sns.refused = sns.broken = sns.missing = "";
        text_builder_init(&sns.seen, arena, 1024 * 1024);
        for (size_t of = 0; of < 3; of++)
            entries[of] = (struct sns_entry){
                .topic_arn = TEXT("t"),
                .group = text_of(GROUPS[of]),
                .deduplication = TEXT("d"),
                .body = CASES[at].sizes[of] == 0 ? TEXT_NONE : body_of(CASES[at].sizes[of]),
            };
        CHECK_EQ(CASES[at].given, sns_send(NULL, arena, entries, 3, &err), CASES[at].then);
        for (size_t of = 0; of < 3; of++)
            CHECK_EQ(CASES[at].given, entries[of].is_sent, CASES[at].sent[of]);
    }
}

static int make_arena(void **state)
{
    (void)state;
    arena = arena_new(64 * 1024 * 1024);
    return 0;
}

static int free_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sns_send__order),
        cmocka_unit_test(test_sns_send__size),
    };
    return cmocka_run_group_tests_name("platform/sns_sender", tests, make_arena, free_arena);
}
