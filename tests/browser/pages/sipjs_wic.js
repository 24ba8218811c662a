// SIP.js through its SessionManager, which reconnects and registers anew; without it
// nothing of that happens. reg-id has to be asked for, and so does an early refresh.
import { Web } from "/lib/sip.js";

const REFRESH_AT_PERCENT = 90;

export class SipJsWic {
  constructor({ impu, server, authorization, expires }, note) {
    this.manager = new Web.SessionManager(server, {
      aor: impu,
      delegate: {
        onServerConnect: () => note("connected"),
        onServerDisconnect: () => note("disconnected"),
        onRegistered: () => note("registered"),
        onUnregistered: () => note("unregistered"),
      },
      registererOptions: {
        regId: 1,
        expires,
        refreshFrequency: REFRESH_AT_PERCENT,
        extraHeaders: [`Authorization: ${authorization}`],
      },
      registererRegisterOptions: {
        requestDelegate: { onReject: ({ message }) => note("refused", message.statusCode) },
      },
      userAgentOptions: { logLevel: "error" },
    });
  }

  async start() {
    await this.manager.connect();
    await this.manager.register();
  }

  renew(authorization) {
    this.manager.register({
      ...this.manager.registererRegisterOptions,
      requestOptions: { extraHeaders: [`Authorization: ${authorization}`] },
    });
  }

  unregister() {
    this.manager.unregister();
  }

  stop() {
    this.manager.disconnect();
  }
}
