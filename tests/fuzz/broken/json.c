#include "base/json.h"
#include "../oracle.h"

enum status __real_json_parse(struct arena *arena, struct text input, struct json_value *value_out,
                              struct error *err);
enum status __wrap_json_parse(struct arena *arena, struct text input, struct json_value *value_out,
                              struct error *err);
struct text __real_json_canonical(struct arena *arena, const struct json_value *value);
struct text __wrap_json_canonical(struct arena *arena, const struct json_value *value);
void __real_json_add_string(struct text_builder *out, struct text value);
void __wrap_json_add_string(struct text_builder *out, struct text value);

enum status __wrap_json_parse(struct arena *arena, struct text input, struct json_value *value_out,
                              struct error *err)
{
    const enum status status = __real_json_parse(arena, input, value_out, err);
    if (fuzz_lie() == 1 && status != OK && input.size > 1) /* passes over a last character */
        return __real_json_parse(arena, (struct text){input.data, input.size - 1}, value_out, err);
    if (fuzz_lie() == 2 && status == OK && value_out->type == JSON_NUMBER)
        return error_set(err, ERR_INVALID, "no numbers, please");
    return status;
}

struct text __wrap_json_canonical(struct arena *arena, const struct json_value *value)
{
    return fuzz_lie() == 3 ? value->source : __real_json_canonical(arena, value);
}

void __wrap_json_add_string(struct text_builder *out, struct text value)
{
    if (fuzz_lie() != 4) {
        __real_json_add_string(out, value);
        return;
    }
    text_builder_add_format(out, "\"%.*s\"", TEXT_ARGS(value));
}
