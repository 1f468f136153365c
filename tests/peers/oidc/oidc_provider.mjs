// An OpenID provider (panva's oidc-provider) that gives JWT access tokens to one client by client_credentials.
// Every start makes new signing keys: a restart on the same port is a key rotation. The client's secret comes from the
// environment (CLIENT_SECRET). A token is asked for with resource=urn:oncorelay:ALG:LIFETIME_S:AUDIENCE.
// Usage: node oidc_provider.mjs --port 8090

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import Provider, { errors } from 'oidc-provider';

const { values: options } = parseArgs({ options: { port: { type: 'string' } } });
const issuer = `http://127.0.0.1:${options.port}`;
const SCOPES = 'facts.write images.write';

const KINDS = [
  ['rsa', { modulusLength: 2048 }],
  ['ec', { namedCurve: 'P-256' }],
  ['ec', { namedCurve: 'P-384' }],
];
const keys = KINDS.map(([kind, parameters]) => ({
  ...generateKeyPairSync(kind, parameters).privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig',
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
  }],
  enabledJWA: { idTokenSigningAlgValues: algorithms },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
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
