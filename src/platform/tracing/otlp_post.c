#include "platform/tracing/otlp_post.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/tracing/otlp_encode.h"

#include <curl/curl.h>
#include <stdlib.h>

enum { ANSWER_SIZE_MAX = 64 * 1024 };

struct otlp_post {
    CURL *curl;
    struct curl_slist *headers;
    bool (*is_over)(void *context);
    void *context;
    char message[CURL_ERROR_SIZE];
    size_t answer_size;
    char answer[ANSWER_SIZE_MAX];
};

/* ---- what libcurl calls back ----------------------------------------------------------------- */

/* Whatever is beyond the room there is ends the request: nobody sends that much on purpose. */
static size_t on_answer_bytes(char *data, size_t size, size_t count, void *argument)
{
    struct otlp_post *post = argument;
    const size_t come = size * count;
    if (come > sizeof post->answer - post->answer_size)
        return CURL_WRITEFUNC_ERROR;
    memcpy(post->answer + post->answer_size, data, come);
    post->answer_size += come;
    return come;
}

static int on_progress(void *argument, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    const struct otlp_post *post = argument;
    (void)down_total, (void)down, (void)up_total, (void)up;
    return post->is_over(post->context) ? 1 : 0;
}

/* ---- one request ----------------------------------------------------------------------------- */

static void add_header(struct otlp_post *post, const char *name, const char *value)
{
    char *line = NULL;
    ASSERT(asprintf(&line, "%s: %s", name, value) > 0);
    post->headers = curl_slist_append(post->headers, line);
    ASSERT(post->headers != NULL);
    free(line);
}

struct otlp_post *otlp_post_new(const struct tracing_settings *settings,
                                bool (*is_over)(void *context), void *context)
{
    struct otlp_post *post = calloc(1, sizeof *post);
    ASSERT(post != NULL);
    post->is_over = is_over;
    post->context = context;
    add_header(post, "Content-Type", "application/x-protobuf");
    post->headers = curl_slist_append(post->headers, "Expect:");
    if (settings->uses_gzip)
        add_header(post, "Content-Encoding", "gzip");
    for (size_t at = 0; at < settings->header_count; at++)
        add_header(post, settings->headers[at].name, settings->headers[at].value);

    CURL *curl = curl_easy_init();
    ASSERT(curl != NULL);
    curl_easy_setopt(curl, CURLOPT_URL, settings->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* a collector stands beside, as services do */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tallystick/" TALLYSTICK_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->message);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, post);
    if (settings->certificate_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, settings->certificate_file);
    post->curl = curl;
    return post;
}

void otlp_post_free(struct otlp_post *post)
{
    if (post == NULL)
        return;
    curl_easy_cleanup(post->curl);
    curl_slist_free_all(post->headers);
    free(post);
}

static bool is_busy(long status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static struct otlp_answer read_answer(struct otlp_post *post, struct arena *arena, long status)
{
    struct otlp_answer answer = {.outcome = OTLP_REFUSED, .http_status = (int)status};
    curl_off_t retry_after_s = 0;
    if (status >= 200 && status <= 299) {
        struct text words;
        answer.outcome = OTLP_TAKEN;
        answer.rejected =
            otlp_rejected(arena, (struct text){post->answer, post->answer_size}, &words);
        answer.why = text_is_none(words) ? "some spans were rejected" : text_to_c(arena, words);
        return answer;
    }
    answer.why = "the collector refused them";
    if (is_busy(status)) {
        answer.outcome = OTLP_TRY_AGAIN;
        answer.why = "the collector is busy";
        curl_easy_getinfo(post->curl, CURLINFO_RETRY_AFTER, &retry_after_s);
        answer.retry_after_ms = retry_after_s * 1000;
    }
    return answer;
}

struct otlp_answer otlp_post_send(struct otlp_post *post, struct arena *arena, struct text body,
                                  int64_t timeout_ms)
{
    post->answer_size = 0;
    post->message[0] = '\0';
    curl_easy_setopt(post->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(post->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    curl_easy_setopt(post->curl, CURLOPT_POSTFIELDS, body.data);
    const CURLcode code = curl_easy_perform(post->curl);
    long status = 0;
    curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK)
        return read_answer(post, arena, status);
    const char *why = post->message[0] == '\0' ? curl_easy_strerror(code) : post->message;
    const struct text kept = text_copy(arena, text_of(why));
    return (struct otlp_answer){.outcome = OTLP_TRY_AGAIN, .why = text_to_c(arena, kept)};
}
