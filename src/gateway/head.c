#include "gateway/head.h"

#include <strings.h>

static bool equals_without_case(struct text t, const char *c_string)
{
    return t.size == strlen(c_string) && strncasecmp(t.data, c_string, t.size) == 0;
}

static bool ends_without_case(struct text t, const char *c_string)
{
    const size_t size = strlen(c_string);
    return t.size > size && equals_without_case(text_skip(t, t.size - size), c_string);
}

static bool begins_like_object(struct text body)
{
    while (body.size > 0 && strchr(" \t\r\n", body.data[0]) != NULL && body.data[0] != '\0')
        body = text_skip(body, 1);
    return body.size > 0 && body.data[0] == '{';
}

bool head_accepts_json(struct text content_type, struct text body)
{
    const struct text type = text_trim(text_cut(&content_type, ';'));
    if (equals_without_case(type, "application/json") ||
        (ends_without_case(type, "+json") && strncasecmp(type.data, "application/", 12) == 0))
        return true;
    if (type.size == 0)
        return true;
    return equals_without_case(type, "application/x-www-form-urlencoded") &&
           begins_like_object(body);
}

int head_wait_s(struct text prefer, int max_s)
{
    while (!text_is_none(prefer)) {
        struct text value = text_cut(&prefer, ',');
        value = text_cut(&value, ';'); /* its parameters mean nothing to us */
        const struct text name = text_trim(text_cut(&value, '='));
        int64_t wait_s = 0;
        if (equals_without_case(name, "wait") && text_to_i64(text_trim(value), &wait_s))
            return wait_s < max_s ? (int)wait_s : max_s;
    }
    return 0;
}
