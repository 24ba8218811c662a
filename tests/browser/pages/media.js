// A voice for every page: a tone instead of a microphone, and an ear for what the other end
// plays. What comes in is only decoded where somebody listens, so it is played, too.
"use strict";

(() => {
  const FFT_SIZE = 4096;
  const AUDIBLE_DB = -60;

  window.connections = [];
  let analyser = null;
  const context = () => (window.audio ??= new AudioContext());

  // window.hz is said by the test before anything of the page runs
  navigator.mediaDevices.getUserMedia = async () => {
    const oscillator = new OscillatorNode(context(), { frequency: window.hz });
    const destination = context().createMediaStreamDestination();
    oscillator.connect(destination);
    oscillator.start();
    return destination.stream;
  };

  const hear = (track) => {
    const stream = new MediaStream([track]);
    Object.assign(new Audio(), { srcObject: stream, muted: true }).play();
    analyser = new AnalyserNode(context(), { fftSize: FFT_SIZE });
    context().createMediaStreamSource(stream).connect(analyser);
  };

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...parameters) {
      super(...parameters);
      window.connections.push(this);
      this.addEventListener("track", ({ track }) => hear(track));
    }
  };

  // The strongest frequency that is audible now, in Hz; 0 if nothing is.
  window.heard = () => {
    if (!analyser) return 0;
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const loudest = levels.indexOf(Math.max(...levels));
    return levels[loudest] < AUDIBLE_DB ? 0 : (loudest * context().sampleRate) / FFT_SIZE;
  };

  // Packets of RTP that the latest connection has sent and received, and how it is keyed.
  window.traffic = async () => {
    const stats = [...(await window.connections.at(-1).getStats()).values()];
    const of = (type) => stats.filter((entry) => entry.type === type);
    const sum = (type, field) => of(type).reduce((total, entry) => total + (entry[field] ?? 0), 0);
    return {
      sent: sum("outbound-rtp", "packetsSent"),
      received: sum("inbound-rtp", "packetsReceived"),
      dtls: of("transport")[0]?.dtlsState ?? "none",
    };
  };
})();
