/* The functions of this program, static ones too, by the addresses of their code. */
#ifndef LSTM_BENCH_SYMBOLS_H
#define LSTM_BENCH_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbol {
    const char *name;
    uintptr_t begin, size;
};

struct symbols {
    size_t count;
    struct symbol *list; /* by address */
    void *file;          /* of the program: the names lie in it */
};

/* From the program's own file. Returns 0 where it is not ELF or has no symbols. */
int symbols_open(struct symbols *symbols);
void symbols_close(struct symbols *symbols);

/* The function that an address belongs to; NULL: none of ours. */
const char *symbols_find(const struct symbols *symbols, uintptr_t address);

#endif
