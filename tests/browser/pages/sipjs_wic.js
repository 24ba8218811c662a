// SIP.js through its SessionManager, which reconnects and registers anew; without it
// nothing of that happens. reg-id has to be asked for, and so does an early refresh.
import { Web } from "/lib/sip.js";

const REFRESH_AT_PERCENT = 90;

export class SipJsWic {
  constructor({ impu, server, authorization, expires }, note) {
    this.note = note;
    this.manager = new Web.SessionManager(server, {
      aor: impu,
      delegate: {
        onServerConnect: () => note("connected"),
        onServerDisconnect: () => note("disconnected"),
        onRegistered: () => note("registered"),
        onUnregistered: () => note("unregistered"),
        onCallReceived: (session) => this.manager.answer(session),
        onCallCreated: (session) => { this.session = session; },
        onCallAnswered: () => note("talking"),
        onCallHangup: () => note("ended"),
        onCallHold: (_, held) => note(held ? "held" : "resumed"),
      },
      iceStopWaitingOnServerReflexive: true,
      registererOptions: {
        regId: 1,
        expires,
        refreshFrequency: REFRESH_AT_PERCENT,
        extraHeaders: [`Authorization: ${authorization}`],
      },
      registererRegisterOptions: {
        requestDelegate: { onReject: ({ message }) => note("refused", message.statusCode) },
      },
      userAgentOptions: {
        logLevel: "error",
        // by default a public STUN server is asked
        sessionDescriptionHandlerFactoryOptions: {
          iceGatheringTimeout: 2000,
          peerConnectionConfiguration: { iceServers: [] },
        },
      },
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

  call(target) {
    this.manager.call(target, {}, {
      requestDelegate: {
        onProgress: () => this.note("ringing"),
        onReject: ({ message }) => this.note("failed", message.statusCode),
      },
    });
  }

  hangUp() {
    this.manager.hangup(this.session);
  }

  pressKey() {
    this.manager.sendDTMF(this.session, "1");
  }

  hold(held) {
    if (held) this.manager.hold(this.session);
    else this.manager.unhold(this.session);
  }

  unregister() {
    this.manager.unregister();
  }

  stop() {
    this.manager.disconnect();
  }
}
