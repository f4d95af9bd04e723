/* Log lines: any text as a field, in JSON and for a terminal. It stays one line, the line is JSON,
 * and no card number in one piece is in it. */
#include "base/json.h"
#include "oracle.h"
#include "platform/log/log_line.h"

enum { CARD_DIGITS_MIN = 13, CARD_DIGITS_MAX = 19 };

/* Luhn's sum, from the left with a table. */
static bool is_card(struct text digits)
{
    static const int TWICE[] = {0, 2, 4, 6, 8, 1, 3, 5, 7, 9};
    int sum = 0;
    if (digits.size < CARD_DIGITS_MIN || digits.size > CARD_DIGITS_MAX)
        return false;
    for (size_t at = 0; at < digits.size; at++) {
        const int digit = digits.data[at] - '0';
        sum += (digits.size - at) % 2 == 0 ? TWICE[digit] : digit;
    }
    return sum % 10 == 0;
}

static struct text take_digits(struct text *rest)
{
    size_t begin = 0;
    while (begin < rest->size && (rest->data[begin] < '0' || rest->data[begin] > '9'))
        begin++;
    size_t end = begin;
    while (end < rest->size && rest->data[end] >= '0' && rest->data[end] <= '9')
        end++;
    const struct text digits = {rest->data + begin, end - begin};
    *rest = text_skip(*rest, end);
    return digits;
}

/* Of bytes that are written as escapes, whose digits may look like a card's with those around. */
static bool has_escapes(struct text input)
{
    for (size_t at = 0; at < input.size; at++)
        if ((unsigned char)input.data[at] < ' ' || input.data[at] == 0x7f)
            return true;
    return false;
}

/* No card number of the input stands in the line. */
static void check_cards(struct text input, struct text line)
{
    if (has_escapes(input))
        return;
    while (input.size > 0) {
        const struct text card = take_digits(&input);
        for (struct text rest = line; is_card(card) && rest.size > 0;)
            HOLDS(!text_equals(take_digits(&rest), card));
    }
}

static void check_line(struct text input, struct text line)
{
    HOLDS(line.size > 0 && line.size <= LOG_LINE_SIZE_MAX);
    HOLDS(memchr(line.data, '\n', line.size) == line.data + line.size - 1);
    for (size_t at = 0; at + 1 < line.size; at++)
        HOLDS((unsigned char)line.data[at] >= ' ' && line.data[at] != 0x7f);
    check_cards(input, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char out[LOG_LINE_SIZE_MAX];
    struct json_value value;
    const struct text input = fuzz_text(data, size);
    const struct log_field fields[] = {
        kv_text("first", input), kv_i64("number", 1), kv_text("again", input), {LOG_FIELD_END}};
    const struct log_line line = {.service = "gateway",
                                  .version = "1",
                                  .event = "request.answered",
                                  .message = "request answered",
                                  .fields = fields};
    struct text written = {out, log_line_write_json(&line, out)};
    check_line(input, written);
    const bool has_nul = memchr(input.data, 0, input.size) != NULL; /* our reader takes no \u0000 */
    HOLDS(has_nul || json_parse(fuzz_arena(), written, &value, NULL) == OK);
    written.size = log_line_write_text(&line, out);
    check_line(input, written);
    return 0;
}
