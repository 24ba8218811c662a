// An authorization server that this project did not write, as one that an operator may have: a
// certified OpenID Provider, with nothing but settings of ours. Its plan is a JSON file, the only
// argument; lab/oidc_provider.py writes it.
//
// People log in by saying who they are (login_hint) and consent to what is asked for.

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

import Provider, { errors } from "oidc-provider";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));

// Three kinds at once, as is usual while a server moves from one to the next.
const KEYS = [
  ["rsa", { modulusLength: 2048 }],
  ["ec", { namedCurve: "P-256" }],
  ["ed25519", {}],
];

const KINDS = ["AccessToken", "ClientCredentials", "Grant", "IdToken", "Interaction", "Session"];

// What the WWSF is permitted to ask for in the name of a user (RFC 8707).
async function grantOf(ctx) {
  const { client, params, provider, session } = ctx.oidc;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope("openid");
  grant.addResourceScope(params.resource, params.scope);
  await grant.save();
  return grant;
}

function resourceServer(_ctx, resource) {
  if (!(resource in plan.resources)) throw new errors.InvalidTarget();
  return plan.resources[resource];
}

const provider = new Provider(plan.issuer, {
  clients: plan.clients,
  cookies: { keys: [plan.cookieKey] },
  jwks: { keys: KEYS.map(([kind, size]) => privateJwk(kind, size)) },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
    revocation: { enabled: true },
  },
  // Where nobody has logged in, the client speaks for itself.
  extraTokenClaims: (_ctx, token) => plan.claims[token.accountId ?? token.clientId],
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  loadExistingGrant: grantOf,
  ttl: Object.fromEntries(KINDS.map((kind) => [kind, 600])),
});

function privateJwk(kind, size) {
  const { privateKey } = generateKeyPairSync(kind, size);
  return { ...privateKey.export({ format: "jwk" }), use: "sig" };
}

provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  const login = { accountId: params.login_hint };
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, { login }));
});

provider.on("server_error", (_ctx, error) => console.error(error));

const tls = { cert: readFileSync(plan.certificate), key: readFileSync(plan.key) };
createServer(tls, provider.callback()).listen(plan.port, "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
