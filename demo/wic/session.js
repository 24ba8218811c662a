// Who this is. Usually the WWSF that served this page knows, and has a token for it:
//
//   GET /session -> 200 { impu, display_name, token, expires_at, epcscf_uri }
//                   401: nobody is; the page leads to /
//                   403: this user gets no token
//                   503, Retry-After: not now
//   GET /session?refused       the same, with another token: the last one was refused
//
// expires_at is in seconds since 1970, the life of the token. The token stays in memory: it
// is in no URL, no storage and no log.

// A user with a name and a password of the operator's network needs neither (imsSession).
// `agent` is what JsSIP is told beside identity and address.

export class SessionError extends Error {
  constructor(message, { login = false, retryAfter = null } = {}) {
    super(message);
    this.login = login;
    this.retryAfter = retryAfter;
  }
}

export async function fetchSession(operatorDomain, refused) {
  const response = await fetch(refused ? "/session?refused" : "/session", { cache: "no-store", credentials: "same-origin" })
    .catch(() => { throw new SessionError("This site cannot be reached.", { retryAfter: 10 }); });
  if (response.status === 401) throw new SessionError("Please sign in.", { login: true });
  if (response.status === 403) throw new SessionError("You get no phone from this site.");
  if (!response.ok) {
    const retryAfter = Number(response.headers.get("Retry-After")) || 10;
    throw new SessionError("This site cannot sign you in at the moment.", { retryAfter });
  }
  const session = checkSession(await response.json(), operatorDomain);
  return { ...session, agent: { authorization_jwt: `Bearer ${session.token}` } };
}

// Names of web sites and of the network are told apart here, so that nobody is asked about
// the latter: the core itself is (TS 33.203 X.2, SIP Digest).
export function imsSession(name, password, { operatorDomain, epcscfUri }) {
  if (!belongsTo(`wss://${name.split("@")[1]}`, operatorDomain))
    throw new SessionError(`That is not a name of ${operatorDomain}.`);
  const agent = { authorization_user: name, password };
  return { impu: `sip:${name}`, epcscf_uri: epcscfUri, expires_at: Infinity, begins_at: 0, agent };
}

// A page that was told a wrong address would hand its token to whoever is there
// (TS 24.371 6.1: the eP-CSCF is reached by a secure WebSocket in the operator's domain).
export function checkSession(session, operatorDomain) {
  if (!/^sip:[^@\s]+@[^@\s]+$/.test(session.impu) || !session.token)
    throw new SessionError("This site did not say who you are.");
  if (!belongsTo(session.epcscf_uri, operatorDomain))
    throw new SessionError(`This site wants to connect you outside of ${operatorDomain}. It was not done.`);
  return Object.freeze({ ...session, begins_at: Date.now() / 1000 });
}

export function belongsTo(address, domain) {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  return protocol === "wss:" && !username && !password
    && (hostname === domain || hostname.endsWith(`.${domain}`));
}
