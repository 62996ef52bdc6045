/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds commits that name different people to different readers. A header may have more than one line author or
 * committer. git log prints the last one, git blame and other programs print the first one, and receive.fsckObjects
 * checks only the first one. git log also decodes a commit before it reads the header. In UTF-7 and ISO-2022, ASCII
 * letters stand for others, so a name may hide an address or a whole line.
 *
 * One process of git prints tens of thousands of commits. Of each commit, only a part of one line is kept.
 */

#include "hook/headers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rules/words.h"

enum {
    LINE_MAX_BYTES = 256, /* of a line of a header, with terminator; the rest is dropped */
};

/* The text of one commit. @n_left: bytes of it that have not been read */
struct text {
    FILE *output;
    uint64_t n_left;
};

/* Encodings in which letters of ASCII, line ends and angle brackets are themselves, in upper and lower case. */
static const char *const plain_encodings[] = {
    "utf-8", "utf8",  "us-ascii", "ascii", "latin1", "latin-1",   "gb2312",    "gbk",
    "cp936", "cp932", "gb18030",  "big5",  "sjis",   "shift_jis", "shift-jis",
};
static const char *const plain_families[] = {"iso-8859-", "iso8859-", "windows-125", "cp125", "koi8-", "euc-"};

static bool is_plain(const char *encoding) {
    for (size_t i = 0; i < sizeof(plain_encodings) / sizeof(plain_encodings[0]); i++) {
        if (strcasecmp(encoding, plain_encodings[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(plain_families) / sizeof(plain_families[0]); i++) {
        const size_t size = strlen(plain_families[i]);

        if (strncasecmp(encoding, plain_families[i], size) == 0 && strlen(encoding) <= size + 2) {
            return true;
        }
    }
    return false;
}

static int take_byte(struct text *text) {
    const int byte = text->n_left > 0 ? getc_unlocked(text->output) : EOF;

    text->n_left -= byte != EOF;
    return byte;
}

/* Return: whether it is a line of the header, and not its end. */
static bool take_line(struct text *text, char line[LINE_MAX_BYTES]) {
    size_t size = 0;
    int byte;

    while ((byte = take_byte(text)) != EOF && byte != '\n') {
        if (size < LINE_MAX_BYTES - 1) {
            line[size++] = (char)byte;
        }
    }
    line[size] = '\0';
    return size > 0;
}

static bool begins(const char *line, const char *word) {
    return strncmp(line, word, strlen(word)) == 0;
}

static void judge_header(struct headers *headers, const char *commit, struct text *text) {
    static const char encoding[] = "encoding ";
    char quoted[WORDS_QUOTED_MAX_BYTES];
    char line[LINE_MAX_BYTES];
    size_t n_authors = 0;
    size_t n_committers = 0;

    while (take_line(text, line)) {
        n_authors += begins(line, "author ");
        n_committers += begins(line, "committer ");
        if (begins(line, encoding) && !is_plain(line + strlen(encoding))) {
            words_quote(quoted, line + strlen(encoding), strlen(line) - strlen(encoding));
            findings_add(headers->findings, commit,
                         "it is in the encoding %s, which can hide an author or committer; use UTF-8", quoted);
        }
    }
    if (n_authors > 1 || n_committers > 1) {
        findings_add(headers->findings, commit, "its header has several lines %s; a commit may have one",
                     n_authors > 1 ? "author" : "committer");
    }
}

/* @line: "ID commit SIZE" */
static int judge_commit(struct headers *headers, char *line, FILE *output) {
    struct text text = {.output = output};
    char *rest = line;
    const char *commit = strsep(&rest, " ");
    const char *kind = rest ? strsep(&rest, " ") : NULL;
    char *end = NULL;

    errno = 0;
    text.n_left = rest ? strtoull(rest, &end, 10) : 0;
    if (!rest || errno || end == rest || *end != '\n' || strcmp(kind, "commit") != 0) {
        return -EIO;
    }
    judge_header(headers, commit, &text);
    while (take_byte(&text) != EOF) {
    }
    return text.n_left == 0 && getc_unlocked(output) == '\n' ? 0 : -EIO;
}

static int judge_commits(struct headers *headers, FILE *output) {
    char *line = NULL;
    size_t room = 0;
    int r = 0;

    while (!r && getline(&line, &room, output) > 0) {
        r = judge_commit(headers, line, output);
    }
    free(line);
    return r || !ferror(output) ? r : -EIO;
}

static int ask(struct headers *headers, int input) {
    static const char *const argv[] = {"cat-file", "--batch", "--buffer", NULL};
    struct child child = CHILD_NONE;
    int r = child_start(&child, headers->git, input, argv);
    FILE *output = r ? NULL : fdopen(child.output, "r");

    if (output) {
        child.output = -1;
        r = judge_commits(headers, output);
        (void)fclose(output);
    } else {
        r = r ? r : -ENOMEM;
    }
    r = r ? r : child_end(&child);
    child_kill(&child);
    return r;
}

void headers_init(struct headers *headers, const struct child_git *git, struct findings *findings) {
    *headers = (struct headers){.git = git, .findings = findings};
    questions_init(&headers->questions);
}

int headers_finish(struct headers *headers) {
    int r;

    if (questions_is_empty(&headers->questions)) {
        return 0;
    }
    r = questions_fd(&headers->questions);
    r = r < 0 ? r : ask(headers, r);
    questions_clear(&headers->questions);
    return r;
}

int headers_add(struct headers *headers, const char *commit) {
    int r = questions_add(&headers->questions, "%s\n", commit);

    return r == QUESTIONS_FULL ? headers_finish(headers) : r;
}

void headers_deinit(struct headers *headers) {
    questions_clear(&headers->questions);
}
