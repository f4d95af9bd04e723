/* platform/http/http_metrics.h - how long the requests of a door take, by route and answer.
 *
 * Purpose:   what a room needs to declare http_server_request_duration_seconds for its own door:
 *            the server observes it, the room names its routes and says in http_request.route
 *            which of them a request is for.
 * Units:     see platform/metrics.h.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   any.
 *
 *   X(HISTOGRAM, ROOM_HTTP, HTTP_METRIC_NAME, HTTP_METRIC_SERIES(ROUTE_COUNT), ROOM_HTTP_LABELS,
 *     HTTP_METRIC_HELP)
 *   static const struct metric_label ROOM_HTTP_LABELS[] =
 *       HTTP_METRIC_LABELS(ROUTE_COUNT, route_method, route_path);
 *
 * Route 0 has empty names: nothing is at the path, or the request was refused before that. */
#ifndef PLATFORM_HTTP_HTTP_METRICS_H
#define PLATFORM_HTTP_HTTP_METRICS_H

#include "platform/metrics.h"

/* Every status that an answer can have; any other counts as the last. */
/* clang-format off */
#define HTTP_STATUSES(X)                                                                           \
    X(200, "OK")                                                                                   \
    X(201, "Created")                                                                              \
    X(202, "Accepted")                                                                             \
    X(204, "No Content")                                                                           \
    X(304, "Not Modified")                                                                         \
    X(400, "Bad Request")                                                                          \
    X(401, "Unauthorized")                                                                         \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(406, "Not Acceptable")                                                                       \
    X(408, "Request Timeout")                                                                      \
    X(409, "Conflict")                                                                             \
    X(410, "Gone")                                                                                 \
    X(412, "Precondition Failed")                                                                  \
    X(413, "Content Too Large")                                                                    \
    X(414, "URI Too Long")                                                                         \
    X(415, "Unsupported Media Type")                                                               \
    X(422, "Unprocessable Content")                                                                \
    X(429, "Too Many Requests")                                                                    \
    X(431, "Request Header Fields Too Large")                                                      \
    X(500, "Internal Server Error")                                                                \
    X(501, "Not Implemented")                                                                      \
    X(502, "Bad Gateway")                                                                          \
    X(503, "Service Unavailable")                                                                  \
    X(504, "Gateway Timeout")
/* clang-format on */

#define HTTP_STATUS_ENUM(code, reason) HTTP_STATUS_##code,
enum http_status { HTTP_STATUSES(HTTP_STATUS_ENUM) HTTP_STATUS_COUNT };

const char *http_status_value(size_t at); /* 200, 201 ... */

#define HTTP_METRIC_NAME           "http_server_request_duration_seconds"
#define HTTP_METRIC_HELP           "Requests, from their first byte to the last of the answer."
#define HTTP_METRIC_SERIES(routes) ((routes)*HTTP_STATUS_COUNT)
#define HTTP_METRIC_LABELS(routes, method_value, path_value)                                       \
    {                                                                                              \
        {"http_request_method", 0, (method_value)}, {"http_route", (routes), (path_value)},        \
            {"http_response_status_code", HTTP_STATUS_COUNT, http_status_value},                   \
        {                                                                                          \
            NULL, 0, NULL                                                                          \
        }                                                                                          \
    }

/* Routes of a door as rows X(enumerator, method, path), the first with empty names. */
#define HTTP_ROUTE_ENUM(enumerator, method, path)   enumerator,
#define HTTP_ROUTE_METHOD(enumerator, method, path) [enumerator] = (method),
#define HTTP_ROUTE_PATH(enumerator, method, path)   [enumerator] = (path),
/* Functions route_method and route_path for HTTP_METRIC_LABELS. */
#define HTTP_ROUTE_VALUES(ROUTES)                                                                  \
    static const char *route_method(size_t at)                                                     \
    {                                                                                              \
        static const char *const ROWS[] = {ROUTES(HTTP_ROUTE_METHOD)};                             \
        return ROWS[at];                                                                           \
    }                                                                                              \
    static const char *route_path(size_t at)                                                       \
    {                                                                                              \
        static const char *const ROWS[] = {ROUTES(HTTP_ROUTE_PATH)};                               \
        return ROWS[at];                                                                           \
    }

/* Used by the server alone. `trace_id` may be NULL or empty. */
void http_metric_observe(const struct metric *duration, size_t route, int status,
                         int64_t duration_us, const char *trace_id);

#endif
