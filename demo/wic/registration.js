// Being registered, and staying so: the session of the WWSF, its token, one WebSocket.
//
// JsSIP reconnects by itself (2 to 30 s between tries) and refreshes by itself. Here is what
// it leaves to the page: a new token before the old one ends, and what follows a refusal.
import JsSIP from "./lib/jssip.js";
import { SessionError, fetchSession } from "./session.js";
import { SIGN_IN_AGAIN, WRONG_PASSWORD, refusal } from "./words.js";

const LATER = 10;
const LEAVE = 2;
const LOGIN_REMINDER = 30;
const LONGEST_WAIT = 300;

// Seconds before its end at which a token is replaced: a fifth of its life, but early enough
// for an eP-CSCF that wants a minute left, and never in the first half.
export const renewalMargin = (life) => Math.min(life / 2, Math.max(90, life / 5));

export class Registration extends EventTarget {
  constructor(operatorDomain) {
    super();
    this.operatorDomain = operatorDomain;
    this.session = null;
    this.ua = null;
    this.waiting = null;
    this.notBefore = 0;
    this.renewing = false;
    this.wanted = false;
    this.refusedTokens = 0;
    this.wasRegistered = false;
  }

  // *source* gives the session, whenever one is needed; it is told if the last was refused.
  async start(source = (refused) => fetchSession(this.operatorDomain, refused)) {
    this.source = source;
    this.wanted = true;
    this.refusedTokens = 0;
    this.wasRegistered = false;
    this.tell("connecting", "Signing in …");
    await this.begin();
  }

  // With a new agent: what was, came to nothing.
  async begin() {
    if (!await this.fetch()) return;
    this.ua = this.connect();
    this.ua.start();
    this.dispatchEvent(new CustomEvent("agent", { detail: this.ua }));
  }

  // Ends the registration and stays away.
  stop(phase = "stopped", text = "Signed off.", more = {}) {
    this.wanted = false;
    clearTimeout(this.waiting);
    this.ua?.stop();
    this.ua = null;
    this.tell(phase, text, more);
  }

  // Ends it, and waits for the network to have heard: the next site may want the identity.
  async leave() {
    const { ua } = this;
    const heard = ua?.isRegistered()
      ? new Promise((resolve) => { ua.once("unregistered", resolve); setTimeout(resolve, LEAVE * 1000); })
      : null;
    this.stop();
    await heard;
  }

  // To be called once a second.
  tick() {
    if (!this.ua || this.renewing || Date.now() < this.notBefore) return;
    if (this.remaining() < renewalMargin(this.life())) this.renew();
  }

  remaining() {
    return this.session.expires_at - Date.now() / 1000;
  }

  life() {
    return this.session.expires_at - this.session.begins_at;
  }

  // A new token, then a REGISTER with it on the connection that is there.
  async renew() {
    this.renewing = true;
    const fetched = await this.fetch();
    this.renewing = false;
    if (!fetched) return;
    this.ua.set("authorization_jwt", this.session.agent.authorization_jwt);
    this.register();
  }

  // While an answer is awaited JsSIP drops this. Then the new token goes with its next refresh,
  // which comes in time: a registration is granted for no longer than the old token lasts.
  register() {
    if (this.ua?.isConnected()) this.ua.register();
  }

  // False: there is none, or it is not wanted any more.
  async fetch() {
    try {
      this.session = await this.source(this.refusedTokens > 0);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      if (this.wanted) this.withoutSession(error);
      return false;
    }
    return this.wanted;
  }

  // As long as the old token holds, nothing ends.
  withoutSession({ message, login, retryAfter }) {
    const holds = this.ua !== null && this.refusedTokens === 0 && this.remaining() > 0;
    if (holds && (login || retryAfter !== null)) {
      this.notBefore = Date.now() + (retryAfter ?? LOGIN_REMINDER) * 1000;
      if (login) this.tell("registered", "Please sign in again before your time is over.", { login });
    } else if (retryAfter === null) {
      this.stop("refused", message, { login, again: !login });
    } else {
      this.later(retryAfter, message, () => (this.ua ? this.renew() : this.begin()));
    }
  }

  connect() {
    const ua = new JsSIP.UA({
      uri: this.session.impu,
      display_name: this.session.display_name,
      sockets: [new JsSIP.WebSocketInterface(this.session.epcscf_uri)],
      ...this.session.agent,
      register_expires: 600,
      session_timers: false,
    });
    // what an agent says that was stopped is of no interest
    const on = (event, act) => ua.on(event, (data) => { if (ua === this.ua) act(data); });
    on("connecting", () => this.tell("connecting", "Connecting …"));
    on("disconnected", ({ error }) => this.disconnected(error));
    on("registered", () => this.registered());
    on("registrationFailed", ({ response, cause }) => this.failed(response, cause));
    return ua;
  }

  disconnected(error) {
    const text = this.wasRegistered || !error
      ? "The connection was lost. Trying again …"
      : "The network's door did not open. Trying again …";
    this.tell("connecting", text);
  }

  registered() {
    clearTimeout(this.waiting);
    this.wasRegistered = true;
    this.refusedTokens = 0;
    this.tell("registered", "You can call and be called.");
  }

  failed(response, cause) {
    if (!response) {
      this.later(LATER, `The network did not answer (${cause}).`, () => this.register());
      return;
    }
    const { text, then } = refusal(response.status_code);
    const retryAfter = Number(response.getHeader("Retry-After")) || LATER;
    const passwordRefused = this.session.agent.password && [401, 403].includes(response.status_code);
    if (passwordRefused) this.stop("refused", WRONG_PASSWORD, { login: true });
    else if (then === "stop") this.stop("refused", text, { again: true });
    else if (then === "renew") this.tokenRefused(text);
    else this.later(Math.min(retryAfter, LONGEST_WAIT), text, () => this.register());
  }

  // Once it may have been the clock; the second new token in a row will not be better.
  tokenRefused(text) {
    this.refusedTokens += 1;
    if (this.refusedTokens > 1) {
      this.stop("refused", SIGN_IN_AGAIN, { login: true });
      return;
    }
    this.tell("connecting", `${text} Renewing it …`);
    if (this.ua.isRegistered()) {
      this.renew();
      return;
    }
    // the connection ends with the refusal; JsSIP would open another and show the token again
    this.ua.stop();
    this.ua = null;
    this.begin();
  }

  // Where the connection is closed meanwhile, JsSIP reconnects and registers by itself.
  later(seconds, text, act) {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(act, seconds * 1000);
    this.tell("waiting", text, { until: Date.now() + seconds * 1000 });
  }

  tell(phase, text, more = {}) {
    this.dispatchEvent(new CustomEvent("state", { detail: { phase, text, ...more } }));
  }
}
