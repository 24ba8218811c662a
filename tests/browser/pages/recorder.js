// Notes what goes over every WebSocket of the page, whichever library opened it. Runs before
// anything of the page does.
"use strict";

window.wire = [];
window.sockets = 0;

window.WebSocket = class extends WebSocket {
  constructor(...parameters) {
    super(...parameters);
    const socket = window.sockets++;
    const note = (kind, more) => window.wire.push({ kind, socket, at: performance.now(), ...more });
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

// Final responses to requests of this method, on one socket or on all.
window.answers = (method, socket = null) =>
  window.wire.filter(({ kind, text, ...entry }) =>
    kind === "heard" && (socket === null || entry.socket === socket)
    && /^SIP\/2.0 [2-6]/.test(text) && new RegExp(`^CSeq: *\\d+ ${method}\r$`, "mi").test(text));

// Whether every socket is open or closed for good, and every REGISTER on it is answered.
window.settled = () =>
  [...Array(window.sockets).keys()].every((socket) => {
    const its = window.wire.filter((entry) => entry.socket === socket);
    if (its.some(({ kind }) => kind === "closed")) return true;
    const sent = its.filter(({ kind, text }) => kind === "sent" && text.startsWith("REGISTER "));
    return its.some(({ kind }) => kind === "opened")
      && window.answers("REGISTER", socket).length >= sent.length;
  });
