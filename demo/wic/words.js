// What people are told. Statuses mean what docs/judging.md of the eP-CSCF says they mean.

// REGISTER was refused. `then`: "renew" asks the WWSF for a new token, "stop" gives up until
// the user acts, "later" tries again by itself.
export const REFUSALS = {
  400: { text: "The phone and the network do not understand each other.", then: "stop" },
  401: { text: "Your sign-in has ended.", then: "renew" },
  403: { text: "You may not use this identity here, or somebody else has it at the moment.", then: "stop" },
  423: { text: "The network asks for a longer registration.", then: "later" },
  430: { text: "The connection to the network broke off.", then: "later" },
  500: { text: "The network has a fault.", then: "later" },
  503: { text: "The network is busy.", then: "later" },
  504: { text: "A part of the network does not answer.", then: "later" },
};
export const REFUSED_OTHERWISE = { text: "The network refused the registration.", then: "later" };
export const SIGN_IN_AGAIN = "Your sign-in is not accepted any more. Please sign in again.";
export const WRONG_PASSWORD = "The network does not take this name with this password.";

export const refusal = (status) => REFUSALS[status] ?? REFUSED_OTHERWISE;

// A call did not come about, or ended.
const CALL_ENDS = {
  403: "You may not call there.",
  404: "There is nobody of that name.",
  408: "Nobody answered.",
  430: "Your correspondent has just lost the connection.",
  480: "Your correspondent cannot be reached now.",
  486: "Busy.",
  487: "Cancelled.",
  488: "The two phones have no language in common.",
  500: "The network has a fault.",
  503: "The network is busy.",
  504: "A part of the network does not answer.",
  603: "Declined.",
};
const CALL_CAUSES = {
  "User Denied Media Access": "The microphone was not allowed.",
  "Canceled": "Cancelled.",
  "Rejected": "Declined.",
  "No Answer": "Nobody answered.",
  "Terminated": "The call has ended.",
  "Connection Error": "The connection to the network broke off.",
};

export const NO_TARGET = "That is neither a name nor a number.";

export const callEnd = (status, cause) =>
  CALL_ENDS[status] ?? CALL_CAUSES[cause] ?? `The call has ended (${cause}).`;

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes >= 5) return `${minutes} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
