#include "base/hex.h"

char *hex_write(char *out, const uint8_t *bytes, size_t size)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t at = 0; at < size; at++) {
        *out++ = DIGITS[bytes[at] >> 4];
        *out++ = DIGITS[bytes[at] & 0xf];
    }
    return out;
}

int hex_digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool hex_parse(struct text digits, uint8_t *out, size_t size)
{
    if (digits.size != 2 * size)
        return false;
    for (size_t at = 0; at < size; at++) {
        const int high = hex_digit_value(digits.data[2 * at]);
        const int low = hex_digit_value(digits.data[2 * at + 1]);
        if (high < 0 || low < 0)
            return false;
        out[at] = (uint8_t)(high << 4 | low);
    }
    return true;
}
