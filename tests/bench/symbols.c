#include "tests/bench/symbols.h"
#include "train/files.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static const Elf64_Shdr *symbol_table(const unsigned char *file)
{
    const Elf64_Ehdr *header = (const void *)file;
    const Elf64_Shdr *sections = (const void *)(file + header->e_shoff);
    if (memcmp(file, ELFMAG, SELFMAG) != 0 || file[EI_CLASS] != ELFCLASS64)
        return NULL;
    for (int i = 0; i < header->e_shnum; i++)
        if (sections[i].sh_type == SHT_SYMTAB)
            return &sections[i];
    return NULL;
}

/* The file of a running program is what its linker wrote: it is not checked. */
int symbols_open(struct symbols *symbols)
{
    unsigned char *file;
    size_t size;
    *symbols = (struct symbols){ 0 };
    if (file_read("/proc/self/exe", &file, &size, NULL))
        return 0;
    const Elf64_Shdr *section = symbol_table(file);
    symbols->file = file;
    if (!section)
        return 0;
    const Elf64_Shdr *sections =
        (const void *)(file + ((const Elf64_Ehdr *)(const void *)file)->e_shoff);
    const char *names = (const char *)file + sections[section->sh_link].sh_offset;
    const Elf64_Sym *table = (const void *)(file + section->sh_offset);
    const size_t count = section->sh_size / sizeof *table;
    uintptr_t moved = 0; /* where the program lies, from where its file says */
    symbols->list = malloc(count * sizeof *symbols->list);
    for (size_t i = 0; symbols->list && i < count; i++) {
        const char *name = names + table[i].st_name;
        if (ELF64_ST_TYPE(table[i].st_info) != STT_FUNC || table[i].st_size == 0)
            continue;
        if (!strcmp(name, "symbols_open"))
            moved = (uintptr_t)&symbols_open - table[i].st_value;
        symbols->list[symbols->count++] =
            (struct symbol){ name, table[i].st_value, table[i].st_size };
    }
    for (size_t i = 0; i < symbols->count; i++)
        symbols->list[i].begin += moved;
    qsort(symbols->list, symbols->count, sizeof *symbols->list, by_address);
    return symbols->count > 0;
}

void symbols_close(struct symbols *symbols)
{
    free(symbols->list);
    free(symbols->file);
}

const char *symbols_find(const struct symbols *symbols, uintptr_t address)
{
    size_t low = 0, high = symbols->count; /* the first that begins behind the address */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (symbols->list[middle].begin <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address >= symbols->list[low - 1].begin + symbols->list[low - 1].size)
        return NULL;
    return symbols->list[low - 1].name;
}
