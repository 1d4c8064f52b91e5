#include "tests/cuda_host/grid.h"
#include "tests/cuda_host/fiber.h"
#include "tests/cuda_host/sanitizers.h"
#include "tests/cuda_host/shared.h"
#include "tests/cuda_host/simt.h"

#include <cstdio>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace cuda_host
{

namespace
{

enum class state { ready, runs, at_block, at_grid, at_warp, gone };

struct block;

struct thread {
    fiber *body;
    block *home;
    uint3 index;
    unsigned rank; /* in the block */
    state now;
    simt_site site; /* where it waits */
    size_t pieces;  /* of shared memory it has taken */
    bool has_arena;
    /* At a warp's meeting: */
    unsigned mask;
    void *mine;
    moment meeting; /* of the lanes of a mask whose first lane this is */
};

struct warp { /* a bit for each lane */
    unsigned lanes, waiting, gone;
};

/* The threads of a block and what they share; used again for another block when all are gone. */
struct block {
    uint3 index;
    std::vector<thread> threads;
    std::vector<warp> warps;
    unsigned size, waiting, gone;
    const thread *first; /* of those that wait */
    shared_memory shared;
    moment meeting;
    moment turns[2]; /* what ran in this structure before, and what runs now */
    bool turn;
};

/* ThreadSanitizer takes what one fiber does for ordered, so blocks that follow one another are
 * dealt to several structures: a race between two blocks is missed only where both got the same. */
enum { BLOCKS_UNDER_TSAN = 3 };

/* Never destroyed, here and elsewhere: somebody's destructor may call CUDA at the end. */
std::vector<std::unique_ptr<block>> &blocks = *new std::vector<std::unique_ptr<block>>;
std::vector<thread *> &ready = *new std::vector<thread *>;
thread *self; /* runs, or NULL */
const grid *running;
const moments *running_before;
moment *running_after;
size_t alive, grid_waiting; /* threads */
uint64_t yields;            /* since a thread last did anything else */

enum { YIELDS_MAX = 20000000 };

/* All of them have met: what each did before is before what each does next. */
template <typename Each> void synchronise(moment *at, Each each)
{
    if (!__tsan_switch_to_fiber)
        return;
    void *here = __tsan_get_current_fiber();
    each([at](thread &t) {
        __tsan_switch_to_fiber(t.body->tsan, 1);
        __tsan_release(at);
    });
    each([at](thread &t) {
        __tsan_switch_to_fiber(t.body->tsan, 1);
        __tsan_acquire(at);
    });
    __tsan_switch_to_fiber(here, 1);
}

bool is_same(const simt_site &a, const simt_site &b)
{
    return a.line == b.line && (a.file == b.file || !strcmp(a.file, b.file));
}

void wake(thread &t)
{
    t.now = state::ready;
    ready.push_back(&t);
}

/* Waits until woken, which it is already if it was the last to come. */
void wait(state how, simt_site site, bool is_last)
{
    yields = 0;
    self->now = is_last ? state::ready : how;
    self->site = site;
    if (is_last)
        ready.push_back(self);
    fiber_suspend();
}

void run_thread(void *argument)
{
    const thread *t = static_cast<thread *>(argument);
    if (__tsan_acquire) {
        moments_acquire(*running_before);
        __tsan_acquire(&t->home->turns[t->home->turn]);
    }
    running->invoke(running->arguments);
    if (__tsan_release) {
        __tsan_release(running_after);
        __tsan_release(&t->home->turns[!t->home->turn]);
    }
}

void block_begin(block &b, uint3 index)
{
    const dim3 &size = running->threads;
    b.index = index;
    b.size = size.x * size.y * size.z;
    b.waiting = b.gone = 0;
    b.turn = !b.turn;
    b.warps.assign((b.size + 31) / 32, { ~0u, 0, 0 });
    if (b.size % 32)
        b.warps.back().lanes = (1u << b.size % 32) - 1;
    b.shared.begin(running->shared_bytes);
    for (unsigned i = 0; i < b.size; i++) {
        if (i == b.threads.size())
            b.threads.push_back({});
        thread &t = b.threads[i];
        fiber *body = t.body ? t.body : fiber_new();
        t = {};
        t.body = body;
        t.home = &b;
        t.rank = i;
        t.index = { i % size.x, i / size.x % size.y, i / size.x / size.y };
    }
    /* Pointers into threads stay: it grows only above. */
    for (unsigned i = 0; i < b.size; i++) {
        fiber_start(b.threads[i].body, run_thread, &b.threads[i]);
        wake(b.threads[i]);
    }
    alive += b.size;
}

void thread_gone(thread &t)
{
    block &b = *t.home;
    t.now = state::gone;
    alive--;
    b.gone++;
    b.warps[t.rank / 32].gone |= 1u << t.rank % 32;
    yields = 0;
    if (grid_waiting)
        problem("it has returned, and %zu others wait for the grid", grid_waiting);
    if (b.waiting)
        problem("it has returned, and %u others wait at %s (%s:%d)", b.waiting, b.first->site.what,
                b.first->site.file, b.first->site.line);
}

[[noreturn]] void nobody_is_ready()
{
    for (const std::unique_ptr<block> &b : blocks)
        for (thread &t : b->threads)
            if (t.home == b.get() && t.rank < b->size && t.now != state::gone &&
                t.now != state::ready) {
                self = &t;
                problem("it waits at %s (%s:%d) for ever", t.site.what, t.site.file, t.site.line);
            }
    problem("threads are alive and none can run");
}

void run_until_all_are_gone()
{
    while (alive) {
        if (ready.empty())
            nobody_is_ready();
        std::swap(ready[choose(static_cast<uint32_t>(ready.size()))], ready.back());
        thread &t = *ready.back();
        ready.pop_back();
        self = &t;
        threadIdx = t.index;
        blockIdx = t.home->index;
        t.now = state::runs;
        fiber_resume(t.body);
        if (t.now == state::runs)
            thread_gone(t);
        self = nullptr;
    }
}

block &block_at(size_t i)
{
    while (blocks.size() <= i)
        blocks.push_back(std::make_unique<block>());
    return *blocks[i];
}

} // namespace

void grid_run(const grid &g, const moments &before, moment *after)
{
    running = &g;
    running_before = &before;
    running_after = after;
    blockDim = g.threads;
    gridDim = g.blocks;
    uint32_t count = g.blocks.x * g.blocks.y * g.blocks.z;
    struct place {
        uint32_t rank;
    };
    std::vector<place> order(count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t j = choose(i + 1);
        order[i] = order[j];
        order[j] = { i };
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = g.is_cooperative ? i : __tsan_switch_to_fiber ? choose(BLOCKS_UNDER_TSAN) : 0;
        uint32_t rank = order[i].rank;
        block_begin(block_at(at), { rank % g.blocks.x, rank / g.blocks.x % g.blocks.y,
                                    rank / g.blocks.x / g.blocks.y });
        if (!g.is_cooperative) {
            run_until_all_are_gone();
            blocks[at]->shared.check();
        }
    }
    run_until_all_are_gone();
    for (uint32_t i = 0; g.is_cooperative && i < count; i++)
        blocks[i]->shared.check();
    running = nullptr;
}

void grid_where(char *text, size_t size)
{
    text[0] = '\0';
    if (self)
        snprintf(text, size, "block (%u, %u, %u), thread (%u, %u, %u) of %s: ", self->home->index.x,
                 self->home->index.y, self->home->index.z, self->index.x, self->index.y,
                 self->index.z, running->name);
}

} // namespace cuda_host

using namespace cuda_host;

void simt_block(simt_site site)
{
    block &b = *self->home;
    if (b.gone)
        problem("it waits at %s (%s:%d), and %u threads of the block have returned", site.what,
                site.file, site.line, b.gone);
    if (!b.waiting)
        b.first = self;
    else if (!is_same(site, b.first->site))
        problem("it waits at %s (%s:%d), and thread %u of the block at %s (%s:%d)", site.what,
                site.file, site.line, b.first->rank, b.first->site.what, b.first->site.file,
                b.first->site.line);
    bool is_last = ++b.waiting == b.size;
    if (is_last) {
        b.waiting = 0;
        auto each = [&b](auto &&what) {
            for (unsigned i = 0; i < b.size; i++)
                what(b.threads[i]);
        };
        synchronise(&b.meeting, each);
        each([](thread &t) {
            if (&t != self)
                wake(t);
        });
    }
    wait(state::at_block, site, is_last);
}

void simt_grid(simt_site site)
{
    if (!running->is_cooperative)
        problem("it waits at %s (%s:%d) in a launch that is not cooperative", site.what, site.file,
                site.line);
    uint64_t size = simt_grid_size();
    if (alive < size)
        problem("it waits at %s (%s:%d), and %zu threads of the grid have returned", site.what,
                site.file, site.line, static_cast<size_t>(size) - alive);
    bool is_last = ++grid_waiting == size;
    if (is_last) {
        grid_waiting = 0;
        auto each = [](auto &&what) {
            for (uint32_t i = 0; i < gridDim.x * gridDim.y * gridDim.z; i++)
                for (unsigned k = 0; k < blocks[i]->size; k++)
                    what(blocks[i]->threads[k]);
        };
        synchronise(&self->home->meeting, each);
        each([](thread &t) {
            if (&t != self)
                wake(t);
        });
    }
    wait(state::at_grid, site, is_last);
}

/* Ends the program where the lanes of the mask will never all be here. All that wait with this mask
 * are at the same place, so one of them tells. */
static void check_mask(unsigned mask, const warp &w, const thread *lanes, simt_site site)
{
    if (!(mask >> simt_lane() & 1))
        problem("its mask %08x at %s (%s:%d) is without its own lane %u", mask, site.what,
                site.file, site.line, simt_lane());
    if (mask & ~w.lanes)
        problem("the mask %08x of %s (%s:%d) names lane %d of a warp of %d", mask, site.what,
                site.file, site.line, __builtin_ctz(mask & ~w.lanes), __builtin_popcount(w.lanes));
    if (mask & w.gone)
        problem("the mask %08x of %s (%s:%d) names lane %d, which has returned", mask, site.what,
                site.file, site.line, __builtin_ctz(mask & w.gone));
    if (!(mask & w.waiting))
        return;
    const thread &other = lanes[__builtin_ctz(mask & w.waiting)];
    if (other.mask != mask || !is_same(other.site, site))
        problem("it is at %s (%s:%d) with the mask %08x, and lane %u at %s (%s:%d) with %08x",
                site.what, site.file, site.line, mask, other.rank % 32, other.site.what,
                other.site.file, other.site.line, other.mask);
}

void simt_warp(unsigned mask, void *mine, void (*combine)(void *const lanes[32]), bool orders,
               simt_site site)
{
    warp &w = self->home->warps[self->rank / 32];
    thread *lanes = &self->home->threads[self->rank / 32 * 32];
    check_mask(mask, w, lanes, site);
    self->mask = mask;
    self->mine = mine;
    self->site = site;
    self->now = state::at_warp;
    w.waiting |= 1u << simt_lane();
    if ((w.waiting & mask) == mask) {
        w.waiting &= ~mask;
        auto each = [mask, lanes](auto &&what) {
            for (unsigned left = mask; left; left &= left - 1)
                what(lanes[__builtin_ctz(left)]);
        };
        void *brought[32] = {};
        each([&brought](thread &t) { brought[t.rank % 32] = t.mine; });
        if (combine)
            combine(brought);
        if (orders)
            synchronise(&lanes[__builtin_ctz(mask)].meeting, each);
        each([](thread &t) { wake(t); });
    }
    yields = 0;
    fiber_suspend();
}

unsigned simt_lane()
{
    return self->rank % 32;
}

uint64_t simt_grid_rank()
{
    const uint3 &i = blockIdx;
    uint64_t block_rank = i.x + gridDim.x * (i.y + static_cast<uint64_t>(gridDim.y) * i.z);
    return block_rank * self->home->size + self->rank;
}

uint64_t simt_grid_size()
{
    return static_cast<uint64_t>(gridDim.x) * gridDim.y * gridDim.z * self->home->size;
}

void simt_yield()
{
    if (++yields > YIELDS_MAX)
        problem("all threads that can run have waited in loops %d times", YIELDS_MAX);
    wake(*self);
    fiber_suspend();
}

void simt_arena()
{
    if (self->has_arena)
        problem("it has made a second Arena; both would be the same memory");
    self->has_arena = true;
}

void *simt_piece(size_t bytes, size_t counted)
{
    return self->home->shared.piece(self->pieces++, bytes, counted);
}
