// An OpenID provider (panva's oidc-provider) that gives JWT access tokens to one client by client_credentials.
// Every start makes new signing keys: a restart on the same port is a key rotation. The client's secret comes from the
// environment (CLIENT_SECRET). A token is asked for with resource=urn:oncorelay:ALG:LIFETIME_S:AUDIENCE.
// Usage: node oidc_provider.mjs --port 8090

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import Provider, { errors } from 'oidc-provider';

const { values: options } = parseArgs({ options: { port: { type: 'string' } } });
const issuer = `http://127.0.0.1:${options.port}`;
const TYPES = ['Patient', 'Observation', 'Condition', 'Specimen', 'Medication', 'MedicationRequest',
  'MedicationAdministration', 'MedicationStatement', 'Procedure'];
const WRITTEN = ['Patient', 'RiskAssessment', 'Observation', 'DiagnosticReport', 'DocumentReference'];
const SCOPES = [
  'facts.write', 'images.write', ...TYPES.map((type) => `system/${type}.rs`), ...WRITTEN.map((type) => `system/${type}.crus`),
  ...['Device', 'Provenance'].map((type) => `system/${type}.crs`),
].join(' ');

const KINDS = [
  ['rsa', { modulusLength: 2048 }],
  ['ec', { namedCurve: 'P-256' }],
  ['ec', { namedCurve: 'P-384' }],
];
const keys = KINDS.map(([kind, parameters]) => ({
  ...generateKeyPairSync(kind, parameters).privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig',
}));

// Clients of SMART Backend Services: no secret, a signed assertion each time. BACKEND_CLIENTS in the environment: a JSON
// object of client_id -> { alg, jwks }; their tokens end after BACKEND_LIFETIME_S seconds.
const backends = Object.entries(JSON.parse(process.env.BACKEND_CLIENTS ?? '{}')).map(([client_id, { alg, jwks }]) => ({
  client_id, jwks, token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: alg,
  grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
}));

const algorithms = ['RS256', 'RS384', 'PS256', 'ES256', 'ES384', 'RS512'];
const provider = new Provider(issuer, {
  jwks: { keys },
  scopes: SCOPES.split(' '),
  clients: [{
    client_id: 'the-ehr',
    client_secret: process.env.CLIENT_SECRET,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  }, ...backends],
  enabledJWA: { idTokenSigningAlgValues: algorithms, clientAuthSigningAlgValues: ['RS384', 'ES384'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: async (_context, client) => (client.clientAuthMethod === 'private_key_jwt'
        ? `urn:oncorelay:ES384:${process.env.BACKEND_LIFETIME_S ?? 300}:fhir` : undefined),
      getResourceServerInfo: async (_context, resource) => {
        const [, , alg, lifetime, audience] = resource.split(':');
        if (!audience) throw new errors.InvalidTarget();
        return {
          scope: SCOPES, audience, accessTokenTTL: Number(lifetime), accessTokenFormat: 'jwt', jwt: { sign: { alg } },
        };
      },
    },
  },
});
provider.listen(Number(options.port), '127.0.0.1');
