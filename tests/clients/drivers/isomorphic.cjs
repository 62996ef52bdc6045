// SPDX-License-Identifier: Apache-2.0
const fs = require('fs')
const git = require('isomorphic-git')
const http = require('isomorphic-git/http/node')

async function main([action, ...rest]) {
  if (action === 'clone' || action === 'shallow') {
    await git.clone({ fs, http, dir: rest[1], url: rest[0], depth: action === 'shallow' ? 1 : undefined })
    return
  }
  const result = await git.push({
    fs, http, dir: rest[0], remote: 'origin', ref: 'main', remoteRef: `refs/heads/${rest[1]}`, delete: action === 'delete',
  })
  if (!result.ok) throw new Error(result.error)
}

main(process.argv.slice(2)).catch((error) => {
  console.error(String(error))
  process.exit(1)
})
