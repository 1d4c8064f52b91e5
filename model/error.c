#include "error.h"

#include <stdarg.h>
#include <stdio.h>

enum lstm_status lstm_fail(struct lstm_error *err, enum lstm_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->status = status;
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}
