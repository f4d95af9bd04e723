/* Switching by _setjmp and _longjmp costs a twentieth of swapcontext, which asks the kernel for the
 * signal mask each time. */
#include "stack.h"

#include "base/assert.h"
#include "sim.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

enum { STACK_SIZE = 256 * 1024, STACKS_MAX = 256 };

struct stack {
    char *bytes;
    jmp_buf base; /* where it waits for its next task */
    jmp_buf place;
    bool is_made;
    bool is_fresh; /* the next enter begins a task */
    void (*main)(void *context);
    void *context;
};

static struct stack stacks[STACKS_MAX];
static struct stack *unused[STACKS_MAX];
static int stack_count, unused_count;
static jmp_buf outside;

/* ---- telling the address sanitizer where we are -----------------------------------------------
 */

#if SANITIZED
static const void *outside_bytes;
static size_t outside_size;

static void before_entering(const struct stack *stack, void **fake)
{
    __sanitizer_start_switch_fiber(fake, stack->bytes, STACK_SIZE);
}

static void before_leaving(void **fake)
{
    __sanitizer_start_switch_fiber(fake, outside_bytes, outside_size);
}

static void after_entering(void *fake)
{
    __sanitizer_finish_switch_fiber(fake, &outside_bytes, &outside_size);
}

static void after_leaving(void *fake)
{
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
}

static void forget(const struct stack *stack)
{
    __asan_unpoison_memory_region(stack->bytes, STACK_SIZE);
}
#else
static void before_entering(const struct stack *stack, void **fake)
{
    (void)stack, (void)fake;
}

static void before_leaving(void **fake)
{
    (void)fake;
}

static void after_entering(void *fake)
{
    (void)fake;
}

static void after_leaving(void *fake)
{
    (void)fake;
}

static void forget(const struct stack *stack)
{
    (void)stack;
}
#endif

/* ---- stacks --------------------------------------------------------------------------------- */

static struct stack *made_now;

/* The first frame of every stack; it never returns. Each task begins at its setjmp. */
static void wait_for_tasks(void)
{
    struct stack *const stack = made_now;
    void *fake = NULL;
    (void)_setjmp(stack->base);
    after_entering(NULL);
    stack->main(stack->context);
    before_leaving(&fake);
    _longjmp(outside, 1);
}

struct stack *stack_take(void)
{
    if (unused_count > 0)
        return unused[--unused_count];
    ASSERT(stack_count < STACKS_MAX);
    struct stack *stack = &stacks[stack_count++];
    stack->bytes = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT(stack->bytes != MAP_FAILED);
    return stack;
}

void stack_give(struct stack *stack)
{
    unused[unused_count++] = stack;
}

void stack_set(struct stack *stack, void (*main)(void *context), void *context)
{
    stack->main = main;
    stack->context = context;
    stack->is_fresh = true;
}

static void make(struct stack *stack)
{
    static ucontext_t first; /* never left in order: nothing of this frame may be watched */
    stack->is_made = true;
    made_now = stack;
    getcontext(&first);
    first.uc_stack.ss_sp = stack->bytes;
    first.uc_stack.ss_size = STACK_SIZE;
    first.uc_link = NULL;
    makecontext(&first, wait_for_tasks, 0);
    setcontext(&first);
}

void stack_enter(struct stack *stack)
{
    void *fake = NULL;
    const bool is_fresh = stack->is_fresh;
    stack->is_fresh = false;
    if (is_fresh)
        forget(stack);
    if (_setjmp(outside) == 0) {
        before_entering(stack, &fake);
        if (!stack->is_made)
            make(stack);
        _longjmp(is_fresh ? stack->base : stack->place, 1);
    }
    after_leaving(NULL);
}

void stack_leave(struct stack *stack)
{
    void *fake = NULL;
    if (_setjmp(stack->place) == 0) {
        before_leaving(&fake);
        _longjmp(outside, 1);
    }
    after_entering(NULL);
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Before each piece; as large as what malloc aligns to. */
struct heap_block {
    struct heap_block *next, *before;
    struct process *process;
    size_t size;
};

void *__real_malloc(size_t size);
void __real_free(void *data);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *data, size_t size);
void __wrap_free(void *data);

void *__wrap_malloc(size_t size)
{
    struct heap_block *block = __real_malloc(sizeof *block + size);
    ASSERT(block != NULL);
    *block = (struct heap_block){.process = process_current(), .size = size};
    if (block->process != NULL) {
        block->next = block->process->blocks;
        if (block->next != NULL)
            block->next->before = block;
        block->process->blocks = block;
    }
    return block + 1;
}

void *__wrap_calloc(size_t count, size_t size)
{
    size_t total = 0;
    ASSERT(!__builtin_mul_overflow(count, size, &total));
    return memset(__wrap_malloc(total), 0, total);
}

void *__wrap_realloc(void *data, size_t size)
{
    void *other = __wrap_malloc(size);
    if (data != NULL) {
        const size_t before = ((struct heap_block *)data - 1)->size;
        memcpy(other, data, before < size ? before : size);
        __wrap_free(data);
    }
    return other;
}

void __wrap_free(void *data)
{
    if (data == NULL)
        return;
    struct heap_block *block = (struct heap_block *)data - 1;
    if (block->next != NULL)
        block->next->before = block->before;
    if (block->before != NULL)
        block->before->next = block->next;
    else if (block->process != NULL)
        block->process->blocks = block->next;
    __real_free(block);
}

void heap_free(struct process *process)
{
    while (process->blocks != NULL) {
        struct heap_block *block = process->blocks;
        process->blocks = block->next;
        __real_free(block);
    }
}
