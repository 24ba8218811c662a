// Notes what goes over every WebSocket of the page, whichever library opened it.
"use strict";

window.wire = [];

window.WebSocket = class extends WebSocket {
  constructor(...parameters) {
    super(...parameters);
    const note = (kind, more) => window.wire.push({ kind, at: performance.now(), ...more });
    note("opening");
    this.addEventListener("open", () => note("opened"));
    this.addEventListener("close", ({ code, reason }) => note("closed", { code, reason }));
    this.addEventListener("message", ({ data }) => note("heard", { text: data }));
    this.note = note;
  }

  send(data) {
    this.note("sent", { text: data });
    super.send(data);
  }
};
