// SPDX-License-Identifier: Apache-2.0
//
// Turns manifests into what "podman kube play" knows: the pods of Jobs and CronJobs, in which a native sidecar is a plain
// container without its startup probe; config maps, secrets and claims. Reads them from standard input.
//
//   node as-pods.js NAME...       prints the manifests with these names, in their order
'use strict';
const fs = require('fs');
const yaml = require('yaml');

function podOf(manifest) {
    const template = manifest.kind === 'CronJob' ? manifest.spec.jobTemplate.spec.template : manifest.spec.template;
    const {initContainers = [], containers, ...spec} = template.spec;
    const sidecars = initContainers.map(({restartPolicy, startupProbe, ...container}) => container);
    return {apiVersion: 'v1', kind: 'Pod', metadata: {name: `${manifest.metadata.name}-pod`, labels: template.metadata.labels},
            spec: {...spec, containers: [...sidecars, ...containers]}};
}

const names = process.argv.slice(2);
const manifests = yaml.parseAllDocuments(fs.readFileSync(0, 'utf8')).map(parsed => parsed.toJS());
for (const name of names) {
    const found = manifests.filter(manifest => manifest.metadata.name === name);
    for (const manifest of found) {
        console.log('---\n' + yaml.stringify(['Job', 'CronJob'].includes(manifest.kind) ? podOf(manifest) : manifest));
    }
}
