// One call at a time, with audio.
import { NO_TARGET, callEnd } from "./words.js";

const BUSY = 486;
const DECLINE = 603;
const OPTIONS = {
  mediaConstraints: { audio: true, video: false },
  // media goes to the eP-CSCF's own address: nobody else is asked for a candidate
  pcConfig: { iceServers: [] },
};

export class Calls extends EventTarget {
  constructor(audio) {
    super();
    this.audio = audio;
    this.session = null;
  }

  serve(ua) {
    this.ua = ua;
    ua.on("newRTCSession", ({ session }) => this.taken(session));
  }

  call(target) {
    try {
      this.ua.call(target, OPTIONS);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.tell("over", { text: NO_TARGET });
    }
  }

  answer() {
    this.session.answer(OPTIONS);
  }

  hangUp() {
    this.session?.terminate();
  }

  decline() {
    this.session.terminate({ status_code: DECLINE });
  }

  setMuted(muted) {
    if (muted) this.session?.mute({ audio: true });
    else this.session?.unmute({ audio: true });
  }

  setHeld(held) {
    if (held) this.session?.hold();
    else this.session?.unhold();
  }

  taken(session) {
    if (this.session) {
      session.terminate({ status_code: BUSY });
      return;
    }
    this.session = session;
    const incoming = session.direction === "incoming";
    const peer = session.remote_identity.display_name || session.remote_identity.uri.user;
    this.tell(incoming ? "ringing" : "calling", { peer });
    this.listen(session, peer);
  }

  listen(session, peer) {
    session.on("peerconnection", ({ peerconnection }) => this.play(peerconnection));
    if (session.connection) this.play(session.connection);
    session.on("progress", ({ originator }) => {
      if (originator === "remote") this.tell("alerting", { peer });
    });
    session.on("confirmed", () => this.tell("talking", { peer }));
    session.on("ended", ({ message, cause }) => this.over(message, cause));
    session.on("failed", ({ message, cause }) => this.over(message, cause));
  }

  play(connection) {
    connection.addEventListener("track", ({ track, streams }) => {
      this.audio.srcObject = streams[0] ?? new MediaStream([track]);
    });
  }

  over(message, cause) {
    this.session = null;
    this.audio.srcObject = null;
    this.tell("over", { text: callEnd(message?.status_code, cause) });
  }

  tell(phase, more) {
    this.dispatchEvent(new CustomEvent("state", { detail: { phase, ...more } }));
  }
}
