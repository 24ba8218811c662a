// The page: shows what registration and calls say, and passes on what the user does.
import { Calls } from "./calls.js";
import { Registration } from "./registration.js";
import { imsSession } from "./session.js";
import { duration } from "./words.js";

const $ = (id) => document.getElementById(id);
const said = (name) => document.querySelector(`meta[name=${name}]`).content;
const operatorDomain = said("operator-domain");
const epcscfUri = said("epcscf-uri");

const registration = new Registration(operatorDomain);
const calls = new Calls($("remote"));
let waitsUntil = null;

registration.addEventListener("agent", ({ detail }) => calls.serve(detail));
registration.addEventListener("state", ({ detail }) => showState(detail));
calls.addEventListener("state", ({ detail }) => showCall(detail));

function showState({ phase, text, until = null, login = false, again = false }) {
  const registered = phase === "registered";
  $("status").textContent = text;
  $("status").dataset.phase = phase;
  $("login").hidden = !login;
  $("ims").hidden = !login || !epcscfUri;
  $("again").hidden = !again && phase !== "stopped";
  $("leave").hidden = ["stopped", "refused"].includes(phase);
  for (const id of ["target", "call"]) $(id).disabled = !registered;
  waitsUntil = until;
  showIdentity();
  tick();
}

function showIdentity() {
  const session = registration.session;
  if (!session) return;
  $("display-name").textContent = session.display_name || "Phone";
  $("impu").textContent = session.impu;
}

function tick() {
  registration.tick();
  const left = waitsUntil === null ? 0 : Math.ceil((waitsUntil - Date.now()) / 1000);
  $("advice").hidden = left <= 0;
  if (left > 0) $("advice").textContent = `Next try in ${duration(left)}.`;
  $("life").hidden = !registration.ua || !Number.isFinite(registration.remaining());
  if ($("life").hidden) return;
  $("remaining").value = Math.max(0, registration.remaining() / registration.life());
  $("remaining-text").textContent = duration(registration.remaining());
}

const PROGRESS = { calling: "calling …", alerting: "ringing …", talking: "" };

function showCall({ phase, peer, text = "" }) {
  $("ringing").hidden = phase !== "ringing";
  $("talking").hidden = !(phase in PROGRESS);
  $("talking").dataset.phase = phase;
  $("caller").textContent = phase === "ringing" ? `${peer} is calling.` : "";
  $("peer").textContent = peer ?? "";
  $("progress").textContent = PROGRESS[phase] ?? "";
  $("outcome").textContent = text;
  for (const id of ["mute", "hold"]) {
    $(id).disabled = phase !== "talking";
    if (phase !== "talking") $(id).setAttribute("aria-pressed", "false");
  }
  if (phase === "ringing") $("answer").focus();
}

function toggle(button, act) {
  const pressed = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(pressed));
  act(pressed);
}

$("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  calls.call($("target").value.trim());
});
$("ims-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const [name, password] = [$("ims-name").value.trim(), $("ims-password").value];
  $("ims-password").value = "";
  registration.start(async () => imsSession(name, password, { operatorDomain, epcscfUri }));
});
$("answer").addEventListener("click", () => calls.answer());
$("decline").addEventListener("click", () => calls.decline());
$("hangup").addEventListener("click", () => calls.hangUp());
$("mute").addEventListener("click", () => toggle($("mute"), (on) => calls.setMuted(on)));
$("hold").addEventListener("click", () => toggle($("hold"), (on) => calls.setHeld(on)));
$("leave").addEventListener("click", () => registration.stop());
$("again").addEventListener("click", () => registration.start());
addEventListener("pagehide", () => registration.stop());

setInterval(tick, 1000);
registration.start();
