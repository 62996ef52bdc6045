# SPDX-License-Identifier: Apache-2.0
"""The request targets of repo.git."""

INFO = "/repo.git/info/refs?service=git-upload-pack"
INFO_PUSH = "/repo.git/info/refs?service=git-receive-pack"
FETCH = "/repo.git/git-upload-pack"
PUSH = "/repo.git/git-receive-pack"
