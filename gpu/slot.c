#include "gpu/slot.h"
#include "model/carve.h"

#include <string.h>

enum lstm_status gpu_slot_open(struct gpu_slot *slot, const struct lstm_loaded *network, int branch,
                               struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    slot->network = network;
    slot->branch = branch;
    GPU_TRY(cudaStreamCreateWithFlags(&slot->stream, cudaStreamNonBlocking));
    GPU_TRY(cudaStreamCreateWithFlags(&slot->side, cudaStreamNonBlocking));
    GPU_TRY(cudaEventCreateWithFlags(&slot->fork, cudaEventDisableTiming));
    GPU_TRY(cudaEventCreateWithFlags(&slot->join, cudaEventDisableTiming));
    GPU_TRY(cudaEventCreateWithFlags(&slot->done, cudaEventDisableTiming));
done:
    return rc;
}

static void release(struct gpu_slot *slot)
{
    for (int layer = 0; layer < LSTM_LAYERS_MAX; layer++)
        for (int i = 0; i < GPU_GRAPHS; i++)
            if (slot->steps.graphs[layer][i])
                (void)cudaGraphExecDestroy(slot->steps.graphs[layer][i]);
    memset(&slot->steps, 0, sizeof slot->steps);
    if (slot->pinned)
        (void)cudaFreeHost(slot->pinned);
    slot->pinned = NULL;
    gpu_device_free(slot->network->device, slot->memory, slot->memory_size);
    slot->memory = NULL;
    slot->rows_max = slot->states_max = 0;
}

void gpu_slot_close(struct gpu_slot *slot)
{
    if (!slot->network)
        return;
    release(slot);
    if (slot->stream)
        (void)cudaStreamDestroy(slot->stream);
    if (slot->side)
        (void)cudaStreamDestroy(slot->side);
    if (slot->fork)
        (void)cudaEventDestroy(slot->fork);
    if (slot->join)
        (void)cudaEventDestroy(slot->join);
    if (slot->done)
        (void)cudaEventDestroy(slot->done);
    memset(slot, 0, sizeof *slot);
}

static void lay_out_pinned(struct gpu_slot *slot, struct carver *carver)
{
    const size_t rows = (size_t)slot->rows_max, states = (size_t)slot->states_max;
    struct gpu_round *round = &slot->round;
    round->rows = carve(carver, rows, sizeof *round->rows);
    round->texts = carve(carver, rows, sizeof *round->texts);
    round->tokens = carve(carver, states, sizeof *round->tokens);
    slot->logits =
        carve(carver, rows * (size_t)slot->network->plan.sizes.classes, sizeof *slot->logits);
}

static void lay_out_steps(struct gpu_slot *slot, struct carver *carver)
{
    const struct gpu_plan *plan = &slot->network->plan;
    const size_t units = (size_t)slot->rows_max * (size_t)plan->sizes.hidden;
    slot->steps.first = carve(carver, 1, sizeof *slot->steps.first);
    for (int reverse = 0; reverse < 2; reverse++) {
        slot->steps.products[reverse] = carve(carver, 4 * units, sizeof(float));
        slot->steps.cells[reverse] = carve(carver, units, sizeof(float));
        slot->steps.states[reverse] = carve(carver, units, plan->element);
    }
}

static void lay_out_device(struct gpu_slot *slot, struct carver *carver)
{
    const struct gpu_plan *plan = &slot->network->plan;
    const size_t rows = (size_t)slot->rows_max, states = (size_t)slot->states_max;
    const size_t h = (size_t)plan->sizes.hidden;
    slot->rows = carve(carver, rows, sizeof *slot->rows);
    slot->texts = carve(carver, rows, sizeof *slot->texts);
    slot->tokens = carve(carver, states, sizeof *slot->tokens);
    slot->states = carve(carver, states * 2 * h, plan->element);
    slot->products = carve(carver, plan->sizes.layers > 1 ? states * 8 * h : 0, plan->element);
    slot->pools = carve(carver, rows * gpu_plan_pool(plan), sizeof *slot->pools);
    slot->text_logits =
        carve(carver, rows * (size_t)plan->sizes.classes, sizeof *slot->text_logits);
    slot->meetings = carve(carver, gpu_plan_meetings_max(slot->rows_max), sizeof *slot->meetings);
    if (plan->recurrence == GPU_STEPS)
        lay_out_steps(slot, carver);
}

enum lstm_status gpu_slot_reserve(struct gpu_slot *slot, int32_t rows_max, int32_t states_max,
                                  struct lstm_error *err)
{
    enum lstm_status rc = LSTM_OK;
    struct carver pinned = { .used = 0 }, device = { .used = 0 };
    if (rows_max <= slot->rows_max && states_max <= slot->states_max)
        return LSTM_OK;
    release(slot);
    slot->rows_max = rows_max;
    slot->states_max = states_max;
    lay_out_pinned(slot, &pinned);
    lay_out_device(slot, &device);
    GPU_TRY(cudaMallocHost(&slot->pinned, pinned.used));
    slot->memory_size = device.used;
    if ((rc = gpu_device_allocate(slot->network->device, device.used, &slot->memory, err)))
        goto done;
    pinned = (struct carver){ .memory = slot->pinned };
    device = (struct carver){ .memory = slot->memory };
    lay_out_pinned(slot, &pinned);
    lay_out_device(slot, &device);
done:
    if (rc)
        release(slot);
    return rc;
}
