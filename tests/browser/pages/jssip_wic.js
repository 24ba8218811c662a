// JsSIP with its defaults; it refreshes, reconnects and registers anew by itself.
import JsSIP from "/wic/lib/jssip.js";

const CALL = {
  mediaConstraints: { audio: true, video: false },
  pcConfig: { iceServers: [] },
};

export class JsSipWic {
  constructor({ impu, server, authorization, expires }, note) {
    this.ua = new JsSIP.UA({
      uri: impu,
      sockets: [new JsSIP.WebSocketInterface(server)],
      authorization_jwt: authorization,
      register_expires: expires,
      session_timers: false,
    });
    this.ua.on("connected", () => note("connected"));
    this.ua.on("disconnected", ({ code }) => note("disconnected", code ?? null));
    this.ua.on("registered", () => note("registered"));
    this.ua.on("unregistered", () => note("unregistered"));
    this.ua.on("registrationFailed", ({ response }) => note("refused", response?.status_code ?? null));
    this.ua.on("newRTCSession", ({ session }) => this.listen(session, note));
  }

  // Answers whoever calls.
  listen(session, note) {
    this.session = session;
    session.on("progress", ({ originator }) => { if (originator === "remote") note("ringing"); });
    session.on("confirmed", () => note("talking"));
    session.on("ended", () => note("ended"));
    session.on("failed", ({ message }) => note("failed", message?.status_code ?? null));
    session.on("hold", ({ originator }) => note("held", originator));
    session.on("unhold", ({ originator }) => note("resumed", originator));
    if (session.direction === "incoming") session.answer(CALL);
  }

  call(target) {
    this.ua.call(target, CALL);
  }

  hangUp() {
    this.session.terminate();
  }

  pressKey() {
    this.session.sendDTMF("1", { transportType: "INFO" });
  }

  hold(held) {
    if (held) this.session.hold();
    else this.session.unhold();
  }

  start() {
    this.ua.start();
  }

  renew(authorization) {
    this.ua.set("authorization_jwt", authorization);
    this.ua.register();
  }

  unregister() {
    this.ua.unregister();
  }

  stop() {
    this.ua.stop();
  }
}
