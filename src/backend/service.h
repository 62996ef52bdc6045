/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/buffer.h"

enum {
    SERVICE_ARGV_COUNT = 6, /* the longest list of arguments, with NULL */
};

enum {
    SERVICE_E_NONSENSE = 1, /* git's output is not an advertisement */
};

/**
 * struct service_call - one call of git's upload-pack or receive-pack
 * @name: "git-upload-pack" or "git-receive-pack"; NULL for HEAD, which is read from an advertisement of upload-pack
 * @has_body: it serves the body of a request; otherwise it advertises what the repository has
 * @git_protocol: of the request, NULL for none
 */
struct service_call {
    const char *name;
    bool has_body;
    const char *git_protocol;
};

/**
 * service_argv() - the arguments of the program "git" for this call
 * @argv: filled, NULL at the end; it points to static memory, @call->name and @repository
 * @repository: absolute path of the repository's folder
 */
void service_argv(char *argv[SERVICE_ARGV_COUNT], const struct service_call *call, char *repository);

/**
 * service_append_head() - append what git-http-backend writes before the service's own output
 *
 * It appends the head of a CGI response for cgi_parse(), and the line "# service=" where the protocol version has one.
 * It appends nothing for HEAD.
 *
 * Return: as buffer_append(); after a failure, a part may have been appended.
 */
int service_append_head(struct buffer *output, const struct service_call *call);

/**
 * service_tell_head() - replace upload-pack's advertisement by git-http-backend's response to GET HEAD
 * @output: an advertisement of protocol version 0, of HEAD alone or of nothing
 *
 * The text is "ref: TARGET", or the object id of a detached HEAD, or empty when HEAD leads to no commit yet.
 *
 * Return: 0, SERVICE_E_NONSENSE, as buffer_append().
 */
int service_tell_head(struct buffer *output);

/**
 * service_finds_repository() - whether git would recognise @path as a repository, and this process may read it
 *
 * Call it when a service has failed without telling the client why. git-http-backend then answers with 500 or 404.
 */
bool service_finds_repository(const char *path);

/** service_is_version_2() - whether git answers a request with this Git-Protocol, or NULL, in protocol version 2 */
bool service_is_version_2(const char *git_protocol);

/** enum service_access - whether settings open or close a service */
enum service_access {
    SERVICE_UNSET, /* no setting does either */
    SERVICE_OPEN,
    SERVICE_CLOSED,
};

/** service_key() - the setting that closes the service, in lower case: http.getanyfile for HEAD */
const char *service_key(const struct service_call *call);

/** service_access_of() - what a value of such a setting does; a value that is no boolean for git closes */
enum service_access service_access_of(const char *value);

/**
 * service_find_access() - whether the operator's settings open or close the service, as for git-http-backend
 * @settings: each KEY=VALUE, NULL at the end of the list: http.uploadpack, http.receivepack and any others
 *
 * The last setting of a key counts.
 */
enum service_access service_find_access(const struct service_call *call, char *const *settings);
