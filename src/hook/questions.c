/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Collects questions for git, one a line, so that one process answers tens of thousands. The size of all lines is
 * bounded. Beyond the bound, another process gets the next lines. The bound is below --max-push-bytes, because the
 * kernel limits the file with the lines to that size.
 */

#include "hook/questions.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/resource.h>

#include "hook/child.h"

enum {
    MAX_BYTES = 4 * 1024 * 1024,
};

void questions_init(struct questions *questions) {
    struct rlimit limit;

    *questions = (struct questions){.max_bytes = MAX_BYTES};
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur / 2 < MAX_BYTES) {
        questions->max_bytes = (size_t)(limit.rlim_cur / 2);
    }
}

int questions_add(struct questions *questions, const char *format, ...) {
    va_list arguments;
    int size;

    if (!questions->input) {
        questions->input = child_input_open();
        questions->n_bytes = 0;
    }
    if (!questions->input) {
        return -errno;
    }
    va_start(arguments, format);
    size = vfprintf(questions->input, format, arguments);
    va_end(arguments);
    if (size < 0) {
        return -EIO;
    }
    questions->n_bytes += (size_t)size;
    return questions->n_bytes < questions->max_bytes ? 0 : QUESTIONS_FULL;
}

int questions_fd(struct questions *questions) {
    return child_input_fd(questions->input);
}

void questions_clear(struct questions *questions) {
    if (questions->input) {
        (void)fclose(questions->input);
    }
    questions->input = NULL;
}
