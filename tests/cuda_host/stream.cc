/* Streams, events, graphs: queues of work that runs when somebody waits for it, one piece after
 * another, in an order that the events allow and the seed chooses. */
#include "tests/cuda_host/device.h"

#include <algorithm>
#include <deque>
#include <pthread.h>

using namespace cuda_host;

namespace
{

struct progress { /* of a stream; outlives it */
    uint64_t added, done;
};

struct ticket { /* the work that a stream had been given by some moment */
    std::shared_ptr<progress> of;
    uint64_t number;

    bool is_done() const
    {
        return !of || of->done >= number;
    }
};

struct piece {
    int device;
    run_function run; /* none: only waits */
    ticket wait;
    moments before;
    std::shared_ptr<moment> after;
};

struct node {
    prepare_function prepare;
    std::vector<size_t> after; /* nodes that come before it */
};
using nodes = std::vector<node>;

struct capture {
    nodes graph;
    CUstream_st *origin;
    bool is_broken, is_over;
    cudaStreamCaptureMode
        mode; /* whose unsafe calls break it: everybody's, the thread's, nobody's */
    pthread_t thread;

    bool is_disturbed() const
    {
        return mode == cudaStreamCaptureModeGlobal ||
               (mode == cudaStreamCaptureModeThreadLocal && pthread_equal(thread, pthread_self()));
    }
};

} // namespace

struct CUstream_st {
    int device;
    bool is_blocking; /* waits for the default stream, and it for this one */
    std::shared_ptr<progress> at;
    std::deque<piece> queue;
    moments last; /* of the work at its end */
    std::shared_ptr<capture> capturing;
    std::vector<size_t> tail; /* nodes that the next one comes after */
};

struct CUevent_st {
    bool has_time;
    ticket recorded;
    moments last;
    std::shared_ptr<capture> captured;
    std::vector<size_t> tail;
};

struct CUgraph_st {
    std::shared_ptr<const nodes> all;
};

struct CUgraphExec_st {
    std::shared_ptr<const nodes> all;
};

namespace
{

template <typename T> struct register_of { /* the live handles of a kind */
    std::vector<T *> all;

    T *add(T *made)
    {
        all.push_back(made);
        return made;
    }
    bool has(const T *handle) const
    {
        return std::find(all.begin(), all.end(), handle) != all.end();
    }
    void remove(T *handle)
    {
        all.erase(std::find(all.begin(), all.end(), handle));
        delete handle;
    }
};

auto &streams = *new register_of<CUstream_st>; /* the first is the default stream */
auto &events = *new register_of<CUevent_st>;
auto &graphs = *new register_of<CUgraph_st>;
auto &executables = *new register_of<CUgraphExec_st>;

CUstream_st *default_stream()
{
    if (streams.all.empty())
        streams.add(new CUstream_st{ 0, true, std::make_shared<progress>(), {}, {}, {}, {} });
    return streams.all[0];
}

/* The stream of a handle; NULL when there is none. */
CUstream_st *find(cudaStream_t handle)
{
    CUstream_st *first = default_stream();
    if (!handle || handle == cudaStreamLegacy)
        return first;
    return handle != first && streams.has(handle) ? handle : nullptr;
}

void join(moments &to, const moments &more)
{
    to.insert(to.end(), more.begin(), more.end());
}

void add_wait(CUstream_st *s, const ticket &wait, const moments &last)
{
    if (wait.is_done() && last.empty())
        return;
    s->queue.push_back({ 0, nullptr, wait, {}, nullptr });
    s->at->added++;
    join(s->last, last);
}

/* The default stream and the blocking ones wait for one another. */
void add_implicit_waits(CUstream_st *s)
{
    CUstream_st *first = default_stream();
    if (s != first && s->is_blocking)
        add_wait(s, { first->at, first->at->added }, first->last);
    for (CUstream_st *other : streams.all)
        if (s == first && other != first && other->is_blocking)
            add_wait(s, { other->at, other->at->added }, other->last);
}

bool can_run(const CUstream_st *s)
{
    return !s->queue.empty() && s->queue.front().wait.is_done();
}

void run_one(CUstream_st *s)
{
    piece next = std::move(s->queue.front());
    s->queue.pop_front();
    const int chosen = this_device;
    this_device = next.device;
    if (next.run)
        next.run(next.before, next.after.get());
    this_device = chosen;
    s->at->done++;
}

void run_until(const ticket &goal)
{
    device_works open;
    while (!goal.is_done()) {
        std::vector<CUstream_st *> able;
        for (CUstream_st *s : streams.all)
            if (can_run(s))
                able.push_back(s);
        if (able.empty())
            problem("streams wait for one another");
        run_one(able[choose(static_cast<uint32_t>(able.size()))]);
    }
    memory_check();
}

/* Something may run before anybody waits for it. */
void run_some()
{
    device_works open;
    for (CUstream_st *s : streams.all)
        while (can_run(s) && choose(2))
            run_one(s);
    memory_check();
}

void finish(CUstream_st *s)
{
    run_until({ s->at, s->at->added });
    moments_acquire(s->last);
}

/* One launch of a graph: its nodes in any order that their edges allow. */
run_function prepare_graph(const std::shared_ptr<const nodes> &all)
{
    auto runs = std::make_shared<std::vector<run_function>>();
    for (const node &n : *all)
        runs->push_back(n.prepare());
    return [all, runs](const moments &before, moment *after) {
        std::vector<std::shared_ptr<moment>> done(all->size());
        moments ends;
        for (size_t left = all->size(); left; left--) {
            std::vector<size_t> able;
            for (size_t i = 0; i < all->size(); i++) {
                const std::vector<size_t> &needs = (*all)[i].after;
                if (!done[i] && std::all_of(needs.begin(), needs.end(),
                                            [&done](size_t n) { return done[n] != nullptr; }))
                    able.push_back(i);
            }
            size_t i = able[choose(static_cast<uint32_t>(able.size()))];
            moments first = before;
            for (size_t n : (*all)[i].after)
                first.push_back(done[n]);
            auto end = std::make_shared<moment>();
            (*runs)[i](first, end.get());
            done[i] = end;
            ends.push_back(end);
        }
        join(ends, before);
        run_alone(
            "the end of a graph", [](alone) {}, ends, after);
    };
}

/* The nodes that come before these, they included. */
std::vector<bool> ancestors(const nodes &all, std::vector<size_t> from)
{
    std::vector<bool> is_one(all.size());
    while (!from.empty()) {
        size_t n = from.back();
        from.pop_back();
        if (is_one[n])
            continue;
        is_one[n] = true;
        from.insert(from.end(), all[n].after.begin(), all[n].after.end());
    }
    return is_one;
}

/* Ends a capture: whether every stream that took part came back to the origin. */
bool leave_capture(const std::shared_ptr<capture> &c)
{
    std::vector<bool> joined = ancestors(c->graph, c->origin->tail);
    bool all_joined = true;
    c->is_over = true;
    for (CUstream_st *s : streams.all)
        if (s->capturing == c) {
            for (size_t n : s->tail)
                all_joined = all_joined && joined[n];
            s->capturing = nullptr;
            s->tail.clear();
        }
    return all_joined;
}

} // namespace

namespace cuda_host
{

cudaError_t stream_add(cudaStream_t handle, const prepare_function &prepare)
{
    CUstream_st *s = find(handle);
    if (!s || (s != default_stream() && s->device != this_device))
        return cudaErrorInvalidResourceHandle;
    if (s->capturing) {
        if (s->capturing->is_broken)
            return cudaErrorStreamCaptureInvalidated;
        s->capturing->graph.push_back({ prepare, s->tail });
        s->tail = { s->capturing->graph.size() - 1 };
        return cudaSuccess;
    }
    if (s == default_stream())
        for (CUstream_st *other : streams.all)
            if (other->capturing && other->is_blocking) {
                other->capturing->is_broken = true;
                return cudaErrorStreamCaptureImplicit;
            }
    add_implicit_waits(s);
    moments before = s->last;
    before.push_back(moment_now());
    auto after = std::make_shared<moment>();
    s->queue.push_back({ this_device, prepare(), {}, before, after });
    s->at->added++;
    s->last = { after };
    return cudaSuccess;
}

cudaError_t stream_finish(cudaStream_t handle)
{
    CUstream_st *s = find(handle);
    if (!s)
        return cudaErrorInvalidResourceHandle;
    if (s->capturing) {
        s->capturing->is_broken = true;
        return cudaErrorStreamCaptureUnsupported;
    }
    if (s == default_stream())
        add_implicit_waits(s);
    finish(s);
    return cudaSuccess;
}

void streams_finish()
{
    default_stream();
    for (CUstream_st *s : streams.all)
        finish(s);
}

long stream_objects()
{
    default_stream();
    return static_cast<long>(streams.all.size() - 1 + events.all.size() + graphs.all.size() +
                             executables.all.size());
}

cudaError_t capture_refuses()
{
    cudaError_t error = cudaSuccess;
    for (CUstream_st *s : streams.all)
        if (s->capturing && s->capturing->is_disturbed()) {
            s->capturing->is_broken = true;
            error = cudaErrorStreamCaptureUnsupported;
        }
    return error;
}

} // namespace cuda_host

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int)
{
    ENTER;
    default_stream();
    *stream = streams.add(new CUstream_st{ this_device,
                                           flags != cudaStreamNonBlocking,
                                           std::make_shared<progress>(),
                                           {},
                                           {},
                                           {},
                                           {} });
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}

/* A device lets the work end later; nobody can tell. */
cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    ENTER;
    NEED(stream && find(stream) == stream, cudaErrorInvalidResourceHandle);
    run_until({ stream->at, stream->at->added });
    streams.remove(stream);
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    ENTER;
    return failed(stream_finish(stream));
}

cudaError_t cudaDeviceSynchronize(void)
{
    ENTER;
    NEED(!capture_refuses(), cudaErrorStreamCaptureUnsupported);
    streams_finish();
    return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t handle)
{
    ENTER;
    CUstream_st *s = find(handle);
    NEED(s, cudaErrorInvalidResourceHandle);
    NEED(!s->capturing, cudaErrorStreamCaptureUnsupported);
    run_some();
    if (s->at->done < s->at->added)
        return cudaErrorNotReady;
    moments_acquire(s->last);
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned)
{
    ENTER;
    CUstream_st *s = find(handle);
    NEED(s && events.has(event), cudaErrorInvalidResourceHandle);
    if (event->captured) {
        NEED(!event->captured->is_over, cudaErrorInvalidValue);
        NEED(!s->capturing || s->capturing == event->captured, cudaErrorStreamCaptureMerge);
        s->capturing = event->captured;
        s->tail.insert(s->tail.end(), event->tail.begin(), event->tail.end());
        return cudaSuccess;
    }
    if (s->capturing && event->recorded.of) {
        s->capturing->is_broken = true;
        return failed(cudaErrorStreamCaptureIsolation);
    }
    if (!s->capturing)
        add_wait(s, event->recorded, event->last);
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    ENTER;
    *event = events.add(new CUevent_st{ !(flags & cudaEventDisableTiming), {}, {}, {}, {} });
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    ENTER;
    NEED(events.has(event), cudaErrorInvalidResourceHandle);
    events.remove(event);
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle)
{
    ENTER;
    CUstream_st *s = find(handle);
    NEED(s && events.has(event), cudaErrorInvalidResourceHandle);
    event->captured = s->capturing;
    event->tail = s->tail;
    event->last = s->last;
    event->recorded = s->capturing ? ticket{} : ticket{ s->at, s->at->added };
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    ENTER;
    NEED(events.has(event), cudaErrorInvalidResourceHandle);
    NEED(!event->captured, cudaErrorCapturedEvent);
    run_until(event->recorded);
    moments_acquire(event->last);
    return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    ENTER;
    NEED(events.has(event), cudaErrorInvalidResourceHandle);
    NEED(!event->captured, cudaErrorCapturedEvent);
    run_some();
    if (!event->recorded.is_done())
        return cudaErrorNotReady;
    moments_acquire(event->last);
    return cudaSuccess;
}

/* There is no time here: as many milliseconds as pieces of work. */
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
    ENTER;
    NEED(events.has(start) && events.has(end), cudaErrorInvalidResourceHandle);
    NEED(start->has_time && end->has_time && start->recorded.of && end->recorded.of,
         cudaErrorInvalidResourceHandle);
    NEED(start->recorded.is_done() && end->recorded.is_done(), cudaErrorNotReady);
    *ms = static_cast<float>(end->recorded.number) - static_cast<float>(start->recorded.number);
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode)
{
    ENTER;
    CUstream_st *s = find(handle);
    NEED(s, cudaErrorInvalidResourceHandle);
    NEED(s != default_stream(), cudaErrorStreamCaptureUnsupported);
    NEED(!s->capturing, cudaErrorIllegalState);
    s->capturing = std::make_shared<capture>(capture{ {}, s, false, false, mode, pthread_self() });
    s->tail.clear();
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t *graph)
{
    ENTER;
    CUstream_st *s = find(handle);
    *graph = nullptr;
    NEED(s && s->capturing, cudaErrorIllegalState);
    NEED(s->capturing->origin == s, cudaErrorStreamCaptureUnmatched);
    std::shared_ptr<capture> c = s->capturing;
    bool all_joined = leave_capture(c);
    NEED(!c->is_broken, cudaErrorStreamCaptureInvalidated);
    NEED(all_joined, cudaErrorStreamCaptureUnjoined);
    *graph = graphs.add(new CUgraph_st{ std::make_shared<nodes>(c->graph) });
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus *status)
{
    ENTER;
    CUstream_st *s = find(handle);
    NEED(s, cudaErrorInvalidResourceHandle);
    *status = !s->capturing             ? cudaStreamCaptureStatusNone
              : s->capturing->is_broken ? cudaStreamCaptureStatusInvalidated
                                        : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long)
{
    ENTER;
    NEED(graphs.has(graph), cudaErrorInvalidValue);
    *executable = executables.add(new CUgraphExec_st{ graph->all });
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream)
{
    ENTER;
    NEED(executables.has(executable), cudaErrorInvalidValue);
    std::shared_ptr<const nodes> all = executable->all;
    return failed(stream_add(stream, [all] { return prepare_graph(all); }));
}

cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t stream)
{
    ENTER;
    NEED(executables.has(executable) && find(stream), cudaErrorInvalidValue);
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    ENTER;
    NEED(graphs.has(graph), cudaErrorInvalidValue);
    graphs.remove(graph);
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable)
{
    ENTER;
    NEED(executables.has(executable), cudaErrorInvalidValue);
    executables.remove(executable);
    return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data)
{
    ENTER;
    auto run = [function, data](const moments &before, moment *after) {
        run_alone(
            "a host function", [function, data](alone) { function(data); }, before, after);
    };
    return failed(stream_add(stream, [run] { return run; }));
}
