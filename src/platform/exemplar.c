#include "platform/exemplar.h"

#include "platform/clock.h"

#include <pthread.h>
#include <string.h>

enum { PLACES = 64 };

static const int64_t KEPT_US = 60LL * 1000000; /* from then on a less slow one may take its place */

static struct {
    pthread_mutex_t mutex;
    struct place {
        const struct metric *histogram; /* NULL: free */
        size_t series;
        struct exemplar exemplar;
    } places[PLACES];
} exemplars = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct place *find(const struct metric *histogram, size_t series)
{
    for (size_t at = 0; at < PLACES; at++) {
        struct place *place = &exemplars.places[at];
        if (place->histogram == histogram && place->series == series)
            return place;
    }
    return NULL;
}

/* A free place is older than any. */
static struct place *oldest(void)
{
    struct place *found = &exemplars.places[0];
    for (size_t at = 1; at < PLACES; at++)
        if (exemplars.places[at].exemplar.at_us < found->exemplar.at_us)
            found = &exemplars.places[at];
    return found;
}

void exemplar_note(const struct metric *histogram, size_t series, int64_t value_us,
                   const char *trace_id)
{
    if (value_us < EXEMPLAR_US_MIN || trace_id == NULL || trace_id[0] == '\0')
        return;
    const int64_t now_us = clock_realtime_us();
    pthread_mutex_lock(&exemplars.mutex);
    struct place *place = find(histogram, series);
    const bool is_less = place != NULL && place->exemplar.value_us > value_us &&
                         place->exemplar.at_us > now_us - KEPT_US;
    if (!is_less) {
        place = place == NULL ? oldest() : place;
        *place = (struct place){histogram, series, {.value_us = value_us, .at_us = now_us}};
        memcpy(place->exemplar.trace_id, trace_id, TRACE_ID_SIZE);
    }
    pthread_mutex_unlock(&exemplars.mutex);
}

bool exemplar_find(const struct metric *histogram, size_t series, struct exemplar *exemplar_out)
{
    pthread_mutex_lock(&exemplars.mutex);
    const struct place *place = find(histogram, series);
    if (place != NULL)
        *exemplar_out = place->exemplar;
    pthread_mutex_unlock(&exemplars.mutex);
    return place != NULL;
}
