#include "tests/faults.h"

#include <sqlite3.h>
#include <string.h>

static struct {
    enum faults kind;
    int64_t number, count;
    int lasting;
} armed;

void faults_arm(enum faults kind, int64_t number, int lasting)
{
    armed.kind = kind;
    armed.number = number;
    armed.count = 0;
    armed.lasting = lasting;
}

int64_t faults_disarm(void)
{
    armed.kind = FAULTS_NONE;
    return armed.count;
}

static int fails(void)
{
    armed.count++;
    return armed.number > 0 &&
           (armed.lasting ? armed.count >= armed.number : armed.count == armed.number);
}

/* ---- the disk ---- */

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_vfs *real_disk;

static int disk_fails(void)
{
    return (armed.kind == FAULTS_OF_DISK || armed.kind == FAULTS_OF_SPACE) && fails();
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static int disk_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int disk_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at)
{
    return disk_fails() ? SQLITE_IOERR_READ
                        : real_of(file)->pMethods->xRead(real_of(file), bytes, size, at);
}

static int disk_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    if (disk_fails())
        return armed.kind == FAULTS_OF_SPACE ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, at);
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return disk_fails() ? SQLITE_IOERR_TRUNCATE
                        : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int disk_sync(sqlite3_file *file, int flags)
{
    (void)file, (void)flags;
    return disk_fails() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return disk_fails() ? SQLITE_IOERR_FSTAT
                        : real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int disk_lock(sqlite3_file *file, int level)
{
    return disk_fails() ? SQLITE_IOERR_LOCK : real_of(file)->pMethods->xLock(real_of(file), level);
}

static int disk_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int disk_check_lock(sqlite3_file *file, int *is_reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_reserved);
}

static int disk_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int disk_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int disk_device(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int disk_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    return disk_fails()
               ? SQLITE_IOERR_SHMMAP
               : real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}

static int disk_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return !(flags & SQLITE_SHM_UNLOCK) && disk_fails()
               ? SQLITE_IOERR_SHMLOCK
               : real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void disk_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int disk_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

/* Version 2: nothing is mapped but the index of a write-ahead log, so that all reading is seen. */
static const sqlite3_io_methods methods = { .iVersion = 2,
                                            .xClose = disk_close,
                                            .xRead = disk_read,
                                            .xWrite = disk_write,
                                            .xTruncate = disk_truncate,
                                            .xSync = disk_sync,
                                            .xFileSize = disk_size,
                                            .xLock = disk_lock,
                                            .xUnlock = disk_unlock,
                                            .xCheckReservedLock = disk_check_lock,
                                            .xFileControl = disk_control,
                                            .xSectorSize = disk_sector,
                                            .xDeviceCharacteristics = disk_device,
                                            .xShmMap = disk_shm_map,
                                            .xShmLock = disk_shm_lock,
                                            .xShmBarrier = disk_shm_barrier,
                                            .xShmUnmap = disk_shm_unmap };

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *given)
{
    struct faulty_file *f = (struct faulty_file *)file;
    (void)vfs;
    f->base.pMethods = NULL;
    f->real = (sqlite3_file *)(f + 1);
    if (disk_fails())
        return SQLITE_CANTOPEN;
    int rc = real_disk->xOpen(real_disk, name, f->real, flags, given);
    f->base.pMethods = f->real->pMethods ? &methods : NULL;
    return rc;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    return disk_fails() ? SQLITE_IOERR_DELETE : real_disk->xDelete(real_disk, name, sync);
}

/* ---- the memory ---- */

static sqlite3_mem_methods real_memory;

static int memory_fails(void)
{
    return armed.kind == FAULTS_OF_MEMORY && fails();
}

static void *memory_take(int size)
{
    return memory_fails() ? NULL : real_memory.xMalloc(size);
}

static void *memory_resize(void *block, int size)
{
    return memory_fails() ? NULL : real_memory.xRealloc(block, size);
}

void faults_install(void)
{
    static sqlite3_vfs disk;
    static sqlite3_mem_methods memory;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
    memory = real_memory;
    memory.xMalloc = memory_take;
    memory.xRealloc = memory_resize;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* so that every allocation is seen */
    real_disk = sqlite3_vfs_find(NULL);
    disk = *real_disk;
    disk.zName = "faulty";
    disk.szOsFile += (int)sizeof(struct faulty_file);
    disk.xOpen = disk_open;
    disk.xDelete = disk_delete;
    sqlite3_vfs_register(&disk, 1);
}
