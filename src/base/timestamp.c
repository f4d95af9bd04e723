#include "base/timestamp.h"

#include "base/assert.h"

static const int64_t SECOND_US = 1000000;
static const int64_t DAY_S = 86400;

/* The calendar is counted from 0000-03-01: a leap day is then the last day of its year, and the
 * lengths of the months before any month are a plain formula. */
static const int64_t DAYS_TO_1970 = 719468;

static int64_t days_before_year(int64_t year)
{
    return year * 365 + year / 4 - year / 100 + year / 400;
}

/* `month` counts from March = 0: 0, 31, 61, 92, 122, 153 ... */
static int64_t days_before_month(int64_t month)
{
    return (153 * month + 2) / 5;
}

struct date {
    int64_t year;
    int64_t month; /* 1 to 12 */
    int64_t day;   /* 1 to 31 */
};

static int64_t days_of_date(struct date date)
{
    const bool early = date.month <= 2; /* January and February belong to the year before */
    const int64_t year = early ? date.year - 1 : date.year;
    const int64_t month = early ? date.month + 9 : date.month - 3;
    return days_before_year(year) + days_before_month(month) + date.day - 1 - DAYS_TO_1970;
}

static struct date date_of_days(int64_t days)
{
    days += DAYS_TO_1970;
    int64_t year = days * 400 / 146097; /* by the mean year: right, or one too few */
    if (days_before_year(year + 1) <= days)
        year++;
    const int64_t day_of_year = days - days_before_year(year);
    const int64_t month = (5 * day_of_year + 2) / 153;
    const bool early = month >= 10;
    return (struct date){
        .year = early ? year + 1 : year,
        .month = early ? month - 9 : month + 3,
        .day = day_of_year - days_before_month(month) + 1,
    };
}

static char *write_digits(char *out, int64_t value, int count)
{
    for (int at = count - 1; at >= 0; at--) {
        out[at] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + count;
}

void timestamp_format(int64_t time_us, char out[static TIMESTAMP_TEXT_SIZE + 1])
{
    const int64_t day_us = DAY_S * SECOND_US;
    int64_t days = time_us / day_us;
    int64_t of_day_us = time_us % day_us;
    if (of_day_us < 0) { /* before 1970 */
        of_day_us += day_us;
        days--;
    }
    const struct date date = date_of_days(days);
    ASSERT(date.year >= 1);
    ASSERT(date.year <= 9999);
    const int64_t of_day_s = of_day_us / SECOND_US;
    out = write_digits(out, date.year, 4);
    *out++ = '-';
    out = write_digits(out, date.month, 2);
    *out++ = '-';
    out = write_digits(out, date.day, 2);
    *out++ = 'T';
    out = write_digits(out, of_day_s / 3600, 2);
    *out++ = ':';
    out = write_digits(out, of_day_s / 60 % 60, 2);
    *out++ = ':';
    out = write_digits(out, of_day_s % 60, 2);
    *out++ = '.';
    out = write_digits(out, of_day_us % SECOND_US, 6);
    *out++ = 'Z';
    *out = '\0';
}

/* Letters may be of either case. */
static bool is_mark(char found, char mark)
{
    return found == mark || (mark >= 'A' && found == mark + ('a' - 'A'));
}

/* Takes exactly `count` digits, and then the mark `after`. */
static bool take_number(struct text *rest, size_t count, char after, int64_t *out)
{
    if (rest->size < count + 1 || !is_mark(rest->data[count], after))
        return false;
    if (!text_to_i64((struct text){rest->data, count}, out))
        return false;
    *rest = text_skip(*rest, count + 1);
    return true;
}

/* The decimals of a second, up to six of them, and the final Z. */
static bool take_decimals(struct text *rest, int64_t *us_out)
{
    if (rest->size < 2 || rest->size > 7)
        return false;
    const size_t count = rest->size - 1;
    if (!take_number(rest, count, 'Z', us_out))
        return false;
    for (size_t at = count; at < 6; at++)
        *us_out *= 10;
    return true;
}

static bool is_date(struct date date)
{
    static const int DAYS[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1)
        return false;
    const bool leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
    if (date.month == 2 && !leap)
        return date.day <= 28;
    return date.day <= DAYS[date.month - 1];
}

bool timestamp_parse(struct text t, int64_t *time_us_out)
{
    struct date date = {0};
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t us = 0;
    if (!take_number(&t, 4, '-', &date.year) || !take_number(&t, 2, '-', &date.month) ||
        !take_number(&t, 2, 'T', &date.day) || !take_number(&t, 2, ':', &hour) ||
        !take_number(&t, 2, ':', &minute))
        return false;
    if (t.size == 3) {
        if (!take_number(&t, 2, 'Z', &second))
            return false;
    } else if (!take_number(&t, 2, '.', &second) || !take_decimals(&t, &us)) {
        return false;
    }
    if (!is_date(date) || hour > 23 || minute > 59 || second > 59)
        return false;
    const int64_t seconds = days_of_date(date) * DAY_S + hour * 3600 + minute * 60 + second;
    *time_us_out = seconds * SECOND_US + us;
    return true;
}
