// JsSIP with its defaults; it refreshes, reconnects and registers anew by itself.
import JsSIP from "/wic/lib/jssip.js";

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
