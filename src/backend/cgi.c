/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Parses the head of a backend's response, without trusting it. git http-backend exits with 0 after most failures, so
 * only its Status field counts. Output without a proper head is a failure, never an empty success. Pure: bytes in,
 * values out.
 */

#include "backend/cgi.h"

#include "base/ascii.h"

/* The fields of git http-backend that a client behind the gate can use. */
static const char *const passed_on[] = {"Content-Type", "Expires", "Pragma", "Cache-Control", "Last-Modified"};

static bool is_name_byte(char byte) {
    return ascii_is_alphanumeric(byte) || byte == '-';
}

static bool is_value_byte(char byte) {
    return byte == '\t' || ascii_is_printable(byte);
}

/* Removes the first line from @restp, and sets @linep to that line without its end. */
static bool take_line(struct span *restp, struct span *linep) {
    const char *end = restp->size > 0 ? memchr(restp->data, '\n', restp->size) : NULL;

    if (!end) {
        return false;
    }
    *linep = (struct span){restp->data, (size_t)(end - restp->data)};
    *restp = (struct span){end + 1, restp->size - linep->size - 1};
    if (linep->size > 0 && linep->data[linep->size - 1] == '\r') {
        linep->size--;
    }
    return true;
}

static bool split_field(struct span line, struct span *namep, struct span *valuep) {
    size_t i = 0;

    while (i < line.size && is_name_byte(line.data[i])) {
        i++;
    }
    if (i == 0 || i == line.size || line.data[i] != ':') {
        return false;
    }
    *namep = (struct span){line.data, i};
    i++;
    while (i < line.size && (line.data[i] == ' ' || line.data[i] == '\t')) {
        i++;
    }
    *valuep = (struct span){line.data + i, line.size - i};
    for (size_t j = 0; j < valuep->size; j++) {
        if (!is_value_byte(valuep->data[j])) {
            return false;
        }
    }
    return true;
}

/* "404 Not Found": three digits that make a final status, then a space or the end (RFC 3875, 6.3.3). */
static bool parse_status(struct span value, int *statusp) {
    int status = 0;

    if (value.size < 3 || (value.size > 3 && value.data[3] != ' ')) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return false;
        }
        status = status * 10 + (value.data[i] - '0');
    }
    *statusp = status;
    return status >= 200 && status <= 599;
}

static bool take_field(struct cgi *cgi, struct span line) {
    struct span name;
    struct span value;

    if (!split_field(line, &name, &value)) {
        return false;
    }
    if (span_equals_nocase(name, "Status")) {
        return parse_status(value, &cgi->status);
    }
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]) && cgi->n_fields < CGI_MAX_FIELDS; i++) {
        if (span_equals_nocase(name, passed_on[i])) {
            cgi->field[cgi->n_fields].name = name;
            cgi->field[cgi->n_fields].value = value;
            cgi->n_fields++;
        }
    }
    return true;
}

int cgi_parse(struct cgi *cgi, struct span output) {
    struct span rest = {output.data, output.size < CGI_HEAD_MAX_BYTES ? output.size : CGI_HEAD_MAX_BYTES};
    size_t n_lines = 0;
    struct span line;

    *cgi = (struct cgi){.status = 200};
    while (take_line(&rest, &line)) {
        if (line.size == 0) {
            cgi->size = (size_t)(rest.data - output.data);
            return n_lines > 0 ? 0 : CGI_E_NONSENSE;
        }
        if (!take_field(cgi, line)) {
            return CGI_E_NONSENSE;
        }
        n_lines++;
    }
    return output.size < CGI_HEAD_MAX_BYTES ? CGI_E_MORE : CGI_E_NONSENSE;
}
