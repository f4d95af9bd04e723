#include "load/usage.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PROCESSES_MAX = 32768, DEPTH_MAX = 64 };

struct process {
    pid_t pid, parent;
    int64_t cpu_ms;
};

static struct process processes[PROCESSES_MAX];
static size_t process_count;

static int64_t ticks_to_ms(long long ticks)
{
    return ticks * 1000 / sysconf(_SC_CLK_TCK);
}

static bool read_process(const char *pid, struct process *out)
{
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%.16s/stat", pid);
    FILE *const file = fopen(path, "re");
    if (file == NULL)
        return false;
    const bool is_read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    const char *const rest = is_read ? strrchr(line, ')') : NULL; /* behind the program's name */
    long long user, system, dead_user, dead_system;
    if (rest == NULL ||
        sscanf(rest + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld",
               &out->parent, &user, &system, &dead_user, &dead_system) != 5)
        return false;
    out->pid = (pid_t)strtol(pid, NULL, 10);
    out->cpu_ms = ticks_to_ms(user + system + dead_user + dead_system);
    return true;
}

static void read_processes(void)
{
    process_count = 0;
    DIR *const folder = opendir("/proc");
    if (folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (isdigit((unsigned char)entry->d_name[0]) && process_count < PROCESSES_MAX &&
            read_process(entry->d_name, &processes[process_count]))
            process_count++;
    }
    closedir(folder);
}

static const struct process *find(pid_t pid)
{
    for (size_t at = 0; at < process_count; at++)
        if (processes[at].pid == pid)
            return &processes[at];
    return NULL;
}

static bool is_below(const struct process *process, pid_t root)
{
    for (int depth = 0; depth < DEPTH_MAX && process != NULL; depth++) {
        if (process->pid == root)
            return true;
        process = find(process->parent);
    }
    return false;
}

static int64_t read_pss_kib(pid_t pid)
{
    char path[64], line[256];
    long long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *const file = fopen(path, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "Pss: %lld kB", &kib) != 1)
        continue;
    fclose(file);
    return kib;
}

int64_t usage_tree_cpu_ms(pid_t root)
{
    int64_t sum_ms = 0;
    read_processes();
    for (size_t at = 0; at < process_count; at++)
        sum_ms += is_below(&processes[at], root) ? processes[at].cpu_ms : 0;
    return sum_ms;
}

int64_t usage_tree_pss_kib(pid_t root)
{
    int64_t sum_kib = 0;
    read_processes();
    for (size_t at = 0; at < process_count; at++)
        sum_kib += is_below(&processes[at], root) ? read_pss_kib(processes[at].pid) : 0;
    return sum_kib;
}

int64_t usage_own_cpu_ms(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

int64_t usage_machine_cpu_ms(void)
{
    long long user = 0, nice = 0, system = 0, interrupts = 0, soft_interrupts = 0;
    FILE *const file = fopen("/proc/stat", "re");
    if (file == NULL)
        return 0;
    const int fields = fscanf(file, "cpu %lld %lld %lld %*d %*d %lld %lld", &user, &nice, &system,
                              &interrupts, &soft_interrupts);
    fclose(file);
    return fields < 5 ? 0 : ticks_to_ms(user + nice + system + interrupts + soft_interrupts);
}
