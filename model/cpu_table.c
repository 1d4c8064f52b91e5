#include "cpu_table.h"
#include "limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SLAB_ROWS = 64, ALIGNMENT = 64 };

/* Rows are handed out of slabs, which are kept in a list through their first bytes. */
struct slab {
    struct slab *next;
    char fill[ALIGNMENT - sizeof(struct slab *)];
};

struct cpu_table {
    size_t row_size;
    int32_t vocab;
    pthread_mutex_t lock; /* of what follows, not of the rows */
    struct slab *slabs;
    int32_t slab_used; /* rows of the newest slab that are taken */
    void *spare;       /* a row that came second; its first bytes point to the next */
    _Atomic(void *) rows[];
};

static atomic_size_t process_bytes;

size_t cpu_table_bytes(void)
{
    return atomic_load(&process_bytes);
}

enum lstm_status cpu_table_open(int32_t vocab, size_t row_size, struct cpu_table **table,
                                struct lstm_error *err)
{
    struct cpu_table *t = *table = calloc(1, sizeof *t + (size_t)vocab * sizeof *t->rows);
    if (!t)
        return lstm_fail(err, LSTM_NOMEM, "out of memory for a table of %d rows", vocab);
    t->vocab = vocab;
    t->row_size = (row_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    t->slab_used = SLAB_ROWS;
    pthread_mutex_init(&t->lock, NULL);
    return LSTM_OK;
}

static size_t slab_size(const struct cpu_table *t)
{
    return sizeof(struct slab) + SLAB_ROWS * t->row_size;
}

void cpu_table_close(struct cpu_table *table)
{
    if (!table)
        return;
    for (struct slab *slab = table->slabs, *next; slab; slab = next) {
        next = slab->next;
        free(slab);
        atomic_fetch_sub(&process_bytes, slab_size(table));
    }
    pthread_mutex_destroy(&table->lock);
    free(table);
}

const void *cpu_table_find(const struct cpu_table *table, int32_t token)
{
    return atomic_load_explicit(&table->rows[token], memory_order_acquire);
}

static int grow(struct cpu_table *t)
{
    const size_t size = slab_size(t);
    if (atomic_fetch_add(&process_bytes, size) + size > lstm_limits_quarter())
        goto refused;
    struct slab *slab = aligned_alloc(ALIGNMENT, size);
    if (!slab)
        goto refused;
    slab->next = t->slabs;
    t->slabs = slab;
    t->slab_used = 0;
    return 1;
refused:
    atomic_fetch_sub(&process_bytes, size);
    return 0;
}

/* Nobody waits for the lock: in a process that was forked while another thread held it, nobody
 * would ever give it back. Who does not get it does without. */
void *cpu_table_room(struct cpu_table *t)
{
    void *row = NULL;
    if (pthread_mutex_trylock(&t->lock))
        return NULL;
    if (t->spare) {
        row = t->spare;
        t->spare = *(void **)row;
    } else if (t->slab_used < SLAB_ROWS || grow(t)) {
        row = (char *)(t->slabs + 1) + (size_t)t->slab_used++ * t->row_size;
    }
    pthread_mutex_unlock(&t->lock);
    return row;
}

const void *cpu_table_keep(struct cpu_table *t, int32_t token, void *row)
{
    void *first = NULL;
    if (atomic_compare_exchange_strong_explicit(&t->rows[token], &first, row, memory_order_acq_rel,
                                                memory_order_acquire))
        return row;
    if (!pthread_mutex_trylock(&t->lock)) { /* else it is lost until the table is closed */
        *(void **)row = t->spare;
        t->spare = row;
        pthread_mutex_unlock(&t->lock);
    }
    return first;
}
