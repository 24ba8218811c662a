// The page: shows what registration and calls say, and passes on what the user does.
import { Calls } from "./calls.js";
import { Registration } from "./registration.js";
import { imsSession } from "./session.js";
import { duration } from "./words.js";

const $ = (id) => document.getElementById(id);
const said = (name) => document.querySelector(`meta[name=${name}]`).content;
const operatorDomain = said("operator-domain");
const epcscfUri = said("epcscf-uri");
const site = said("application-name");

const registration = new Registration(operatorDomain);
const calls = new Calls($("remote"));
let waitsUntil = null;
let registered = false;
let inCall = false;
let talkingSince = null;

registration.addEventListener("agent", ({ detail }) => calls.serve(detail));
registration.addEventListener("state", ({ detail }) => showState(detail));
calls.addEventListener("state", ({ detail }) => showCall(detail));

function showState({ phase, text, until = null, login = false, again = false }) {
  registered = phase === "registered";
  $("status").textContent = text;
  $("status").dataset.phase = phase;
  $("login").hidden = !login;
  $("ims").hidden = !login || !epcscfUri;
  $("again").hidden = !again && phase !== "stopped";
  $("again").textContent = phase === "stopped" ? "Sign on" : "Try again";
  $("leave").hidden = ["stopped", "refused"].includes(phase);
  allowDialling();
  waitsUntil = until;
  showIdentity();
  tick();
}

// One call at a time: a second one would end at once.
function allowDialling() {
  for (const id of ["target", "call"]) $(id).disabled = !registered || inCall;
}

function showIdentity() {
  const session = registration.session;
  if (!session) return;
  $("display-name").textContent = session.display_name || "Phone";
  $("impu").textContent = session.impu;
}

function tick() {
  registration.tick();
  $("talk-time").textContent = talkingSince === null ? "" : duration((Date.now() - talkingSince) / 1000);
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
  inCall = phase !== "over";
  talkingSince = phase === "talking" ? talkingSince ?? Date.now() : null;
  allowDialling();
  // seen where the page itself is not, in the bar of tabs
  document.title = phase === "ringing" ? `${peer} is calling` : site;
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
  tick();
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
$("logout").addEventListener("submit", async (event) => {
  event.preventDefault();
  await registration.leave();
  event.target.submit();
});
$("again").addEventListener("click", () => registration.start());
addEventListener("pagehide", () => registration.stop());

document.title = site;
$("site").textContent = site === "Phone" ? "" : site;
setInterval(tick, 1000);
registration.start();
