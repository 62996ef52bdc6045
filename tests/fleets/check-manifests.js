// SPDX-License-Identifier: Apache-2.0
//
// Checks Kubernetes manifests without a cluster: against the schemas of the API, for fields that no schema has, and
// against the restricted pod security standard. NODE_PATH leads to kubernetes-models, typescript and yaml.
//
//   node check-manifests.js FILE...       prints "ok KIND NAME" for each manifest, or "not ok KIND NAME: FAULT"
'use strict';
const fs = require('fs');
const path = require('path');
const ts = require('typescript');
const yaml = require('yaml');

const MODELS = path.dirname(require.resolve('kubernetes-models/package.json'));
const VOLUMES = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'];
let failed = false;

// The model of v1 is kubernetes-models/v1/KIND, that of another group kubernetes-models/GROUP/VERSION/KIND.
function modelOf(manifest) {
    return `kubernetes-models/${manifest.apiVersion}/${manifest.kind}`;
}

function faultsOfSchema(manifest) {
    const model = new (require(modelOf(manifest))[manifest.kind])(manifest);
    try {
        model.validate();
    } catch (error) {
        return [error.message];
    }
    return [];
}

// The schemas let any further field pass. TypeScript refuses one in a literal of the API's type.
function faultsOfFields(manifest) {
    const name = path.join(MODELS, '..', 'manifest-under-test.ts');
    const text = `import {I${manifest.kind}} from '${modelOf(manifest)}';\nexport const it: I${manifest.kind} = ${JSON.stringify(manifest)};\n`;
    const options = {noEmit: true, strict: true, types: [], skipLibCheck: true, moduleResolution: ts.ModuleResolutionKind.Node10};
    const host = ts.createCompilerHost(options);
    const read = host.getSourceFile;
    host.getSourceFile = (file, ...rest) => file === name ? ts.createSourceFile(file, text, ...rest) : read(file, ...rest);
    const exists = host.fileExists;
    host.fileExists = file => file === name || exists(file);
    const program = ts.createProgram([name], options, host);
    return program.getSemanticDiagnostics(program.getSourceFile(name)).map(one => ts.flattenDiagnosticMessageText(one.messageText, ' '));
}

function podOf(manifest) {
    const spec = manifest.spec || {};
    switch (manifest.kind) {
    case 'Pod': return spec;
    case 'CronJob': return spec.jobTemplate.spec.template.spec;
    default: return spec.template && spec.template.spec;
    }
}

function faultsOfContainer(container, pod) {
    const of = container.securityContext || {}, all = pod.securityContext || {};
    const faults = [];
    const want = (good, fault) => good || faults.push(`container ${container.name}: ${fault}`);
    want(of.allowPrivilegeEscalation === false, 'allowPrivilegeEscalation is not false');
    want(!of.privileged, 'privileged');
    want(((of.capabilities || {}).drop || []).includes('ALL'), 'capabilities are not dropped');
    want(((of.capabilities || {}).add || []).length === 0, 'capabilities are added');
    want((of.runAsNonRoot ?? all.runAsNonRoot) === true, 'runAsNonRoot is not true');
    want((of.runAsUser ?? all.runAsUser) !== 0, 'runAsUser is 0');
    want(['RuntimeDefault', 'Localhost'].includes((of.seccompProfile || all.seccompProfile || {}).type), 'no seccompProfile');
    want((container.ports || []).every(port => !port.hostPort), 'a port of the host');
    return faults;
}

// https://kubernetes.io/docs/concepts/security/pod-security-standards/, "restricted"
function faultsOfSecurity(manifest) {
    const pod = podOf(manifest);
    if (!pod) {
        return [];
    }
    const faults = ['hostNetwork', 'hostPID', 'hostIPC'].filter(name => pod[name]);
    for (const volume of pod.volumes || []) {
        const kinds = Object.keys(volume).filter(name => name !== 'name');
        faults.push(...kinds.filter(kind => !VOLUMES.includes(kind)).map(kind => `volume ${volume.name}: ${kind}`));
    }
    const containers = [...(pod.initContainers || []), ...(pod.containers || [])];
    return faults.concat(...containers.map(container => faultsOfContainer(container, pod)));
}

for (const file of process.argv.slice(2)) {
    for (const parsed of yaml.parseAllDocuments(fs.readFileSync(file, 'utf8'))) {
        const manifest = parsed.toJS();
        const faults = [...parsed.errors.map(error => error.message), ...faultsOfSchema(manifest), ...faultsOfFields(manifest),
                        ...faultsOfSecurity(manifest)];
        failed = failed || faults.length > 0;
        console.log(`${faults.length ? 'not ok' : 'ok'} ${manifest.kind} ${manifest.metadata.name}${faults.length ? ': ' + faults.join('; ') : ''}`);
    }
}
process.exit(failed ? 1 : 0);
