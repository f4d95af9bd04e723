/* Digits in a row are a group; groups with one blank or hyphen between them are a stretch. Within a
 * stretch that is long enough, a card number is one group, or several that look like a card's: four
 * digits first, then groups of three to six. Every such window is tried and the longest taken, so
 * that neither an amount before a number nor a code behind it hides it from us. */
#include "platform/log/card_mask.h"

enum {
    CARD_DIGITS_MIN = 13,
    CARD_DIGITS_MAX = 19,
    CARD_DIGITS_SHOWN = 4,
    FIRST_GROUP = 4,
    GROUP_MIN = 3,
    GROUP_MAX = 6,
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_gap(char c)
{
    return c == ' ' || c == '-';
}

/* Where the digits that begin at `at` end. */
static size_t end_of_group(struct text t, size_t at)
{
    while (at < t.size && is_digit(t.data[at]))
        at++;
    return at;
}

/* Whether a group ends at `at` and another follows after one blank or hyphen. */
static bool goes_on(struct text t, size_t at)
{
    return at + 1 < t.size && is_gap(t.data[at]) && is_digit(t.data[at + 1]);
}

/* From the right, every second digit counts twice; the sum ends in zero. */
static bool has_check_digit(struct text t)
{
    int sum = 0;
    bool is_second = false;
    for (size_t at = t.size; at-- > 0;) {
        if (!is_digit(t.data[at]))
            continue;
        const int digit = (t.data[at] - '0') * (is_second ? 2 : 1);
        sum += digit > 9 ? digit - 9 : digit;
        is_second = !is_second;
    }
    return sum % 10 == 0;
}

static bool is_length_of_card(size_t digits)
{
    return digits >= CARD_DIGITS_MIN && digits <= CARD_DIGITS_MAX;
}

/* The size of the card number at the front of the text, which begins with a group; 0: there is
 * none. */
static size_t find_card(struct text t)
{
    size_t end = end_of_group(t, 0);
    size_t digits = end;
    if (is_length_of_card(digits))
        return has_check_digit((struct text){t.data, end}) ? end : 0;
    size_t card = 0;
    if (digits != FIRST_GROUP)
        return 0;
    while (goes_on(t, end) && digits < CARD_DIGITS_MAX) {
        const size_t next = end_of_group(t, end + 1);
        const size_t group = next - end - 1;
        if (group < GROUP_MIN || group > GROUP_MAX)
            break;
        digits += group;
        end = next;
        if (is_length_of_card(digits) && has_check_digit((struct text){t.data, end}))
            card = end;
    }
    return card;
}

static void hide(char *card, size_t size)
{
    int shown = 0;
    for (size_t at = size; at-- > 0;) {
        if (!is_digit(card[at]))
            continue;
        if (shown++ >= CARD_DIGITS_SHOWN)
            card[at] = '*';
    }
}

/* Where the next stretch with enough digits begins; the text's size where there is none. Most texts
 * have none, so this is all that they cost. */
static size_t find_stretch(struct text t, size_t at)
{
    size_t begin = at;
    size_t digits = 0;
    for (; at < t.size; at++) {
        if (is_digit(t.data[at])) {
            if (++digits == CARD_DIGITS_MIN)
                return begin;
        } else if (digits == 0 || !goes_on(t, at)) {
            begin = at + 1;
            digits = 0;
        }
    }
    return t.size;
}

bool card_mask(struct text t, char *out)
{
    bool is_any = false;
    size_t at = find_stretch(t, 0);
    while (at < t.size) {
        const size_t size = find_card(text_skip(t, at));
        if (size > 0 && !is_any)
            memcpy(out, t.data, t.size);
        is_any = is_any || size > 0;
        if (size > 0)
            hide(out + at, size);
        at = find_stretch(t, size > 0 ? at + size : end_of_group(t, at));
    }
    return is_any;
}
