#include "device.h"
#include "plugin.h"

#include <stdio.h>
#include <string.h>

/* Reads "cuda[-fp32][:N]"; returns 0 for another name. */
static int read_cuda(const char *name, enum lstm_precision *precision, int32_t *ordinal)
{
    *precision = LSTM_PRECISION_FP16;
    *ordinal = 0;
    if (strncmp(name, "cuda", 4))
        return 0;
    name += 4;
    if (!strncmp(name, "-fp32", 5)) {
        *precision = LSTM_PRECISION_FP32;
        name += 5;
    }
    if (*name != ':')
        return *name == '\0';
    const size_t digits = strspn(name + 1, "0123456789");
    for (size_t i = 1; i <= digits && i <= 2; i++)
        *ordinal = 10 * *ordinal + (name[i] - '0');
    return digits >= 1 && digits <= 2 && name[1 + digits] == '\0';
}

static enum lstm_status choose_cuda(enum lstm_precision precision, int32_t ordinal,
                                    struct lstm_device *device, struct lstm_error *err)
{
    const struct lstm_plugin *plugin;
    const struct lstm_backend *backend = NULL;
    char about[LSTM_ABOUT_SIZE] = "";
    enum lstm_status rc = lstm_plugin_get(&plugin, err);
    if (!rc)
        rc = plugin->open(ordinal, precision, &backend, about, err);
    if (!rc && backend->abi != LSTM_BACKEND_ABI)
        rc = lstm_fail(err, LSTM_UNAVAILABLE, "backend %s has ABI %u, expected %u", backend->name,
                       (unsigned)backend->abi, (unsigned)LSTM_BACKEND_ABI);
    if (rc)
        return rc;
    device->backend = backend;
    memcpy(device->why, about, sizeof about);
    return LSTM_OK;
}

struct lstm_device lstm_device_cpu(const char *why)
{
    struct lstm_device device = { .backend = lstm_backend_cpu(NULL) };
    snprintf(device.why, sizeof device.why, "%s", why);
    return device;
}

enum lstm_status lstm_device_choose(const char *name, struct lstm_device *device,
                                    struct lstm_error *err)
{
    enum lstm_precision precision;
    int32_t ordinal;
    struct lstm_error reason;
    *device = lstm_device_cpu("asked for by name");
    if (!strcmp(name, "cpu"))
        return LSTM_OK;
    if (!strcmp(name, "auto")) {
        if (choose_cuda(LSTM_PRECISION_FP16, 0, device, &reason))
            *device = lstm_device_cpu(reason.text);
        return LSTM_OK;
    }
    if (!read_cuda(name, &precision, &ordinal))
        return lstm_fail(
            err, LSTM_UNAVAILABLE,
            "there is no device \"%.40s\"; use \"auto\", \"cpu\", \"cuda\", \"cuda:0\" "
            "to \"cuda:99\" or, in 32 bits, \"cuda-fp32\"",
            name);
    return choose_cuda(precision, ordinal, device, err);
}
