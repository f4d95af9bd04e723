#include "../oracle.h"
#include "platform/log/card_mask.h"
#include "platform/log/log_line.h"

bool __real_card_mask(struct text t, char *out);
bool __wrap_card_mask(struct text t, char *out);
size_t __real_log_line_write_json(const struct log_line *line, char *out);
size_t __wrap_log_line_write_json(const struct log_line *line, char *out);

bool __wrap_card_mask(struct text t, char *out)
{
    return fuzz_lie() != 1 && __real_card_mask(t, out);
}

size_t __wrap_log_line_write_json(const struct log_line *line, char *out)
{
    const size_t size = __real_log_line_write_json(line, out);
    if (fuzz_lie() == 2)
        out[size / 2] = '\n';
    return size;
}
