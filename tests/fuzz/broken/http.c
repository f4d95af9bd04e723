#include "../oracle.h"
#include "platform/http/http_framing.h"

enum http_verdict __real_http_head_read(struct http_framing *f, const char *data, size_t size);
enum http_verdict __wrap_http_head_read(struct http_framing *f, const char *data, size_t size);
enum http_verdict __real_http_body_read(struct http_framing *f, char *data, size_t size);
enum http_verdict __wrap_http_body_read(struct http_framing *f, char *data, size_t size);
bool __real_http_framing_keeps_alive(const struct http_framing *f);
bool __wrap_http_framing_keeps_alive(const struct http_framing *f);
void __real_http_target_split(struct text target, struct text *path_out, struct text *query_out);
void __wrap_http_target_split(struct text target, struct text *path_out, struct text *query_out);

enum http_verdict __wrap_http_head_read(struct http_framing *f, const char *data, size_t size)
{
    const enum http_verdict verdict = __real_http_head_read(f, data, size);
    if (fuzz_lie() == 1 && verdict == HTTP_WHOLE)
        f->has_chunks = false; /* a length, whatever the encoding says */
    if (fuzz_lie() == 2 && verdict == HTTP_MORE && size > 40) /* impatient */
        f->refusal = HTTP_REFUSAL_MALFORMED, f->detail = "too slow";
    return fuzz_lie() == 2 && f->detail != NULL ? HTTP_REFUSED : verdict;
}

enum http_verdict __wrap_http_body_read(struct http_framing *f, char *data, size_t size)
{
    const enum http_verdict verdict = __real_http_body_read(f, data, size);
    if (fuzz_lie() == 3 && verdict == HTTP_WHOLE && f->body.size > 0)
        f->body.size--;
    return verdict;
}

bool __wrap_http_framing_keeps_alive(const struct http_framing *f)
{
    return __real_http_framing_keeps_alive(f) != (fuzz_lie() == 4);
}

void __wrap_http_target_split(struct text target, struct text *path_out, struct text *query_out)
{
    __real_http_target_split(target, path_out, query_out);
    if (fuzz_lie() == 5)
        *query_out = TEXT("");
}
