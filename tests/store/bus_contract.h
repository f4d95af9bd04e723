/* bus_contract.h - what tests of a bus do all the time, whatever its kind.
 *
 * Topics are new ones for each test, so that nothing has to be deleted. A poll may find nothing yet
 * while a group sorts itself out, so tests say how many messages they wait for. */
#ifndef TESTS_STORE_BUS_CONTRACT_H
#define TESTS_STORE_BUS_CONTRACT_H

#include "store.h"

#include "base/arena.h"

extern struct arena *bus_arena; /* of the test that runs */
extern char bus_topic[64], bus_other_topic[64];

/* First thing in main: ends the program when there is nothing to run on. */
void bus_need_server(void);

/* SQS: nobody gets more of a key while some of it is held, members share by asking, and there are
 * no offsets. */
bool bus_is_of_queues(void);

int bus_before_each(void **state);
int bus_after_each(void **state);

struct bus_consumer *bus_open_consumer(const char *group);
struct bus_batch bus_poll_once(struct bus_consumer *consumer, int wait_ms, size_t count_max);
/* Polls, without confirming, until a poll hands over `count` messages; fails after a while. */
struct bus_batch bus_poll_until(struct bus_consumer *consumer, size_t count);
void bus_confirm_all(struct bus_consumer *consumer);
/* Messages 1 to `each` of every one of `keys` keys, interleaved. */
size_t bus_publish_keys(const char *topic, int keys, int each);

/* Whether sequences ascend by one within each key (its byte 14 tells it), over all that was seen;
 * `repeats`: what was seen before is passed over. */
struct bus_seen {
    int64_t last[64];
    int late;
    size_t count;
    bool repeats;
};
void bus_see(struct bus_seen *seen, const struct bus_batch *batch);

#endif
