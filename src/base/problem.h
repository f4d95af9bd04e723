/* base/problem.h - every way to say no over HTTP, in one table.
 *
 * Purpose:   the catalogue of problems (RFC 9457) and the one writer of their bodies. A problem
 *            means that no decision was made; a declined authorization is none.
 * Units:     times in milliseconds.
 * Ownership: a problem borrows its texts; its written body lives in the arena.
 * Errors:    none.
 * Threads:   values; the catalogue is constant. */
#ifndef BASE_PROBLEM_H
#define BASE_PROBLEM_H

#include "base/text.h"
#include "base/uuid.h"

/* X(name, status, retryable, code, title, what it means, what to do next). Retryable: the very same
 * request, with the same key, may succeed later. */
/* clang-format off */
#define PROBLEM_CATALOGUE(X)                                                                       \
    X(MALFORMED_REQUEST, 400, false, "malformed_request", "The request is not well-formed HTTP",   \
      "The request could not be read with certainty: its framing is broken, or a header that "     \
      "must be single was sent twice.",                                                            \
      "Send one Host, one Content-Length or Transfer-Encoding, and no NUL; `detail` names what "   \
      "was wrong.")                                                                                \
    X(MALFORMED_JSON, 400, false, "malformed_json", "The body is not valid JSON",                  \
      "The body is not one JSON text in UTF-8, or two readers could read it differently: a "       \
      "member twice, half of a surrogate pair, a NUL, nesting too deep, bytes after the end.",     \
      "Mend the body; `detail` says where it broke and why.")                                      \
    X(IDEMPOTENCY_KEY_MISSING, 400, false, "idempotency_key_missing",                              \
      "The Idempotency-Key header is missing",                                                     \
      "A request that changes something must name itself, so that sending it again is safe.",      \
      "Send a fresh key, such as a UUID, with each new request, and the same key with each "       \
      "repeat of it: `Idempotency-Key: 5f0e3a52-...`.")                                            \
    X(IDEMPOTENCY_KEY_INVALID, 400, false, "idempotency_key_invalid",                              \
      "The Idempotency-Key header is not valid",                                                   \
      "A key is 1 to 255 printable ASCII characters without blanks, bare or in double quotes.",    \
      "Send such a key; a UUID is a good one.")                                                    \
    X(PARAMETER_INVALID, 400, false, "parameter_invalid", "A parameter is not valid",              \
      "A part of the path, a query parameter or a header has a value that is not accepted.",       \
      "Correct the parameter that `detail` names.")                                                \
    X(UNAUTHENTICATED, 401, false, "unauthenticated", "Valid credentials are missing",             \
      "The request carries no API key, or one that is unknown or revoked.",                        \
      "Send `Authorization: Bearer <key>`. An operator makes keys with `tallystick key create`.")  \
    X(SCOPE_MISSING, 403, false, "scope_missing", "The API key lacks a scope",                     \
      "The key is good, but was not made for this.",                                               \
      "Use a key with the scope that `detail` names.")                                             \
    X(TENANT_MISMATCH, 403, false, "tenant_mismatch", "The API key belongs to another tenant",     \
      "The key is good, but what was asked for belongs to another tenant.",                        \
      "Use a key of that tenant.")                                                                 \
    X(NOT_FOUND, 404, false, "not_found", "There is nothing here",                                 \
      "The path is unknown, or what it names does not exist.",                                     \
      "Check the path and the id in it.")                                                          \
    X(METHOD_NOT_ALLOWED, 405, false, "method_not_allowed", "The method is not allowed here",      \
      "The path exists, but not with this method.",                                                \
      "Use one of the methods in the `Allow` header.")                                             \
    X(IDEMPOTENCY_IN_FLIGHT, 409, true, "idempotency_in_flight",                                   \
      "The first request with this key is still running",                                          \
      "The same request was sent before and its outcome is not known yet.",                        \
      "Send it again with the same key after `Retry-After`; it then gets the first one's answer.") \
    X(TRANSACTION_ID_CONFLICT, 409, false, "transaction_id_conflict",                              \
      "The transaction_id was used for another request",                                           \
      "A transaction_id is decided once, for ever. This one was decided with other contents.",     \
      "Use a new transaction_id for a new transaction; to repeat the old one, send the old body.") \
    X(INVALID_STATE, 409, false, "invalid_state", "The state does not allow this",                 \
      "What was asked for cannot be done in the state that `state` names.",                        \
      "Read the resource again and decide anew.")                                                  \
    X(ALREADY_VOIDED, 409, false, "already_voided", "The authorization is already voided",         \
      "Its credit was released before, by another request.",                                       \
      "Nothing is left to do.")                                                                    \
    X(AUTHORIZATION_EXPIRED, 409, false, "authorization_expired", "The authorization has expired", \
      "Its hold ended by time and its credit was released; that is final.",                        \
      "Authorize again.")                                                                          \
    X(VERSION_MISMATCH, 412, false, "version_mismatch", "The version is another by now",           \
      "`If-Match` names a version that is no longer the current one.",                             \
      "Read the resource again, and repeat with its current version if you still want to.")        \
    X(BODY_TOO_LARGE, 413, false, "body_too_large", "The body is too large",                       \
      "A body may have 64 KiB, that of a batch 1 MiB.",                                            \
      "Send less; split a batch.")                                                                 \
    X(URI_TOO_LONG, 414, false, "uri_too_long", "The URI is too long",                             \
      "Path and query are longer than the server accepts.",                                        \
      "Send a shorter one.")                                                                       \
    X(MEDIA_TYPE_UNSUPPORTED, 415, false, "media_type_unsupported",                                \
      "The content type is not supported",                                                         \
      "The body was sent as something other than JSON.",                                           \
      "Send `Content-Type: application/json`.")                                                    \
    X(HEADER_TOO_LARGE, 431, false, "header_too_large", "The header is too large",                 \
      "Request line and headers together are larger than the server accepts.",                     \
      "Send fewer or shorter headers.")                                                            \
    X(VALIDATION_FAILED, 422, false, "validation_failed", "Some fields are not valid",             \
      "The body is JSON, but fields are missing, unknown, or have values that are not accepted.",  \
      "Correct each field that `errors` points to.")                                               \
    X(AMOUNT_PRECISION, 422, false, "amount_precision", "The amount has too many decimals",        \
      "The currency's smallest unit cannot hold the amount exactly, and nothing is rounded.",      \
      "Send an amount with no more decimals than the currency has: 99.99 USD, 100 JPY, "           \
      "1.234 KWD.")                                                                                \
    X(AMOUNT_OUT_OF_RANGE, 422, false, "amount_out_of_range", "The amount is too large",           \
      "An amount has at most 12 digits, counted in the currency's smallest unit.",                 \
      "Send a smaller amount.")                                                                    \
    X(CURRENCY_UNSUPPORTED, 422, false, "currency_unsupported", "The currency is not supported",   \
      "The code is none of the active currencies of ISO 4217.",                                    \
      "Send a code such as USD, in capitals, or none for the account's own currency.")             \
    X(IDEMPOTENCY_KEY_REUSED, 422, false, "idempotency_key_reused",                                \
      "The Idempotency-Key was used for another request",                                          \
      "A key names one request. This one came before with other contents.",                        \
      "Use a new key for a new request; to repeat the old one, send the old body.")                \
    X(CAPTURE_EXCEEDS_AUTHORIZED, 422, false, "capture_exceeds_authorized",                        \
      "The capture is larger than what was authorized",                                            \
      "More would be captured than the authorization and its tolerance allow.",                    \
      "Capture less, or authorize the rest first.")                                                \
    X(REFUND_EXCEEDS_CAPTURED, 422, false, "refund_exceeds_captured",                              \
      "The refund is larger than what was captured",                                               \
      "All refunds of a capture together cannot exceed it.",                                       \
      "Refund less.")                                                                              \
    X(RATE_LIMITED, 429, true, "rate_limited", "Too many requests",                                \
      "This caller has sent more requests than it may in this time.",                              \
      "Wait for `Retry-After`, then send the same request with the same key.")                     \
    X(INTERNAL, 500, true, "internal", "Something failed inside",                                  \
      "A failure that should not happen; it was logged under the `trace_id`. The outcome may be "  \
      "unknown.",                                                                                  \
      "Send the same request with the same key: it is decided at most once. Should it go on, "     \
      "tell the operator the `trace_id`.")                                                         \
    X(BACKPRESSURE, 503, true, "backpressure", "The service is busy",                              \
      "More requests are waiting than can be answered in time. Nothing was done.",                 \
      "Wait for `Retry-After`, then send the same request with the same key.")                     \
    X(DEPENDENCY_DOWN, 503, true, "dependency_down", "A service behind this one is unreachable",   \
      "What is needed for an answer cannot be reached. Nothing was decided.",                      \
      "Wait for `Retry-After`, then send the same request with the same key.")                     \
    X(DRAINING, 503, true, "draining", "The service is stopping",                                  \
      "This process is shutting down and takes no new requests. Nothing was done.",                \
      "Send the same request with the same key again; another process will answer.")               \
    X(DEADLINE_EXCEEDED, 504, true, "deadline_exceeded", "No answer in time",                      \
      "The time for an answer is over, and the outcome is unknown: it may have been decided.",     \
      "Send the same request with the same key: if it was decided, the answer is that decision.")
/* clang-format on */

#define PROBLEM_ENUMERATOR(name, ...) PROBLEM_##name,
#define PROBLEM_ONE(...)              +1
enum problem_code {
    PROBLEM_NONE, /* no problem; not in the catalogue */
    PROBLEM_CATALOGUE(PROBLEM_ENUMERATOR)
};
enum { PROBLEM_COUNT = 0 PROBLEM_CATALOGUE(PROBLEM_ONE) }; /* codes run from 1 to this */

/* No answer lists more errors than this; a client mends them in rounds. */
enum { PROBLEM_ERRORS_MAX = 32 };

/* One field that is refused. */
struct problem_error {
    struct text pointer; /* RFC 6901, from the body's root: /amount */
    const char *code;    /* field_missing */
    struct text detail;
};

struct problem {
    enum problem_code code;
    struct text detail; /* for this occurrence; none: left out */
    struct uuid request_id;
    struct text trace_id;   /* none: left out */
    int64_t retry_after_ms; /* 0: left out */
    const struct problem_error *errors;
    size_t error_count;
    struct text state; /* of the resource, where it is why; none: left out */
};

int problem_status(enum problem_code code);
const char *problem_name(enum problem_code code); /* malformed_json */
const char *problem_title(enum problem_code code);
bool problem_is_retryable(enum problem_code code);
/* What the page /problems/<code> says: what it means, what to do next. Plain text. */
struct text problem_page(enum problem_code code);
/* By its name; PROBLEM_NONE where there is none such. */
enum problem_code problem_find(struct text name);

/* The body, as application/problem+json. */
struct text problem_write(struct arena *arena, const struct problem *problem);

#endif
