#include "platform/http/http_metrics.h"

#include "base/assert.h"
#include "platform/exemplar.h"

static const int CODES[] = {
#define HTTP_STATUS_CODE(code, reason) (code),
    HTTP_STATUSES(HTTP_STATUS_CODE)
#undef HTTP_STATUS_CODE
};

const char *http_status_value(size_t at)
{
    static const char *const VALUES[] = {
#define HTTP_STATUS_TEXT(code, reason) #code,
        HTTP_STATUSES(HTTP_STATUS_TEXT)
#undef HTTP_STATUS_TEXT
    };
    return VALUES[at];
}

void http_metric_observe(const struct metric *duration, size_t route, int status,
                         int64_t duration_us, const char *trace_id)
{
    size_t at = 0;
    while (at + 1 < COUNT(CODES) && CODES[at] != status)
        at++;
    const size_t series = metric_series(duration, route, at);
    metric_observe(duration, series, duration_us);
    exemplar_note(duration, series, duration_us, trace_id);
}
