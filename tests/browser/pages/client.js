// One WIC made of a stock library, as tests drive it: both libraries behind one face.
import { JsSipWic } from "./jssip_wic.js";
import { SipJsWic } from "./sipjs_wic.js";

const WICS = { jssip: JsSipWic, sipjs: SipJsWic };

window.events = [];

// options: library, impu, server, authorization, expires
window.start = (options) => {
  const note = (name, detail = null) => window.events.push({ name, detail, at: performance.now() });
  window.wic = new WICS[options.library](options, note);
  window.wic.start();
};

window.ready = true;
