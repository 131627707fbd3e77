/* The telephone in the agent's desk. Two adapters of one small shape stand behind it: the carrier's own library
   (Twilio.Device), and a stand-in for it against the emulated carrier, which has no sound. The rest of the page knows
   neither. What a call is about, and whether it is on hold, comes from the server; here it only rings, is answered,
   muted and ended.

   An adapter is `{ start(token), renew(token), stop() }` and calls back: `ready`, `gone`, `refused`, `incoming(call)`,
   `expiring`. A call is `{ id, answer(), decline(), hangUp(), mute(on), keys(digits) }` and calls back `accepted`, `over`,
   `heard` with the level of the microphone (0 to 1), and where that can be told `asked`, when a key is waited for. */
(() => {
  "use strict";
  const card = document.getElementById("phone");
  if (!card?.dataset.tokenUrl) return;
  const part = (name) => document.getElementById(`phone-${name}`);
  const words = card.dataset;
  const KEY = "1";
  const KEY_EVERY_MS = 1200;
  const KEY_TIMES = 8;
  const TRY_AGAIN_MS = 3000;

  /* --- the carrier's library --------------------------------------------------------------------------------------- */
  const carrier = (tell) => {
    let device = null;
    const wrapped = (call) => {
      const one = {
        id: call.parameters.CallSid,
        answer: () => call.accept(),
        decline: () => call.reject(),
        hangUp: () => call.disconnect(),
        mute: (on) => call.mute(on),
        keys: (digits) => call.sendDigits(digits),
      };
      call.on("accept", () => one.accepted?.());
      call.on("volume", (level) => one.heard?.(level));
      for (const end of ["disconnect", "cancel", "reject", "error"]) call.on(end, () => one.over?.());
      return one;
    };
    const devices = () => {
      const audio = device.audio;
      if (!audio) return;
      const fill = (select, found, chosen, use) => {
        select.replaceChildren(new Option(words.default, "default"));
        for (const [id, info] of found) if (id !== "default") select.add(new Option(info.label || id, id));
        select.value = chosen || "default";
        select.onchange = () => use(select.value);
      };
      fill(part("microphone"), audio.availableInputDevices, audio.inputDevice?.deviceId, (id) => audio.setInputDevice(id));
      fill(part("speaker"), audio.availableOutputDevices, null, (id) => audio.speakerDevices.set(id));
      part("speaker").closest(".field").hidden = !audio.isOutputSelectionSupported;
      part("devices").hidden = false;
    };
    return {
      start(token) {
        device = new window.Twilio.Device(token.token, { closeProtection: true, tokenRefreshMs: 60000 });
        device.on("registered", () => { tell.ready(); devices(); });
        device.on("unregistered", () => tell.gone());
        device.on("error", (error) => (error.code === 31401 || error.code === 31402 ? tell.refused() : tell.gone()));
        device.on("tokenWillExpire", () => tell.expiring());
        device.on("incoming", (call) => tell.incoming(wrapped(call)));
        device.audio?.on("deviceChange", devices);
        device.register().catch(() => tell.gone());
      },
      renew: (token) => device.updateToken(token.token),
      stop() { device?.destroy(); device = null; },
    };
  };

  /* --- the emulated carrier ------------------------------------------------------------------------------------------ */
  const standIn = (tell) => {
    let stream = null;
    let token = null;
    let beat = null;
    const calls = new Map();
    const post = (sid, act, body) => fetch(
      `${token.at}/softphone/${encodeURIComponent(token.identity)}/calls/${sid}/${act}?token=${token.token}`,
      { method: "POST", body: JSON.stringify(body || {}), headers: { "Content-Type": "application/json" } },
    ).catch(() => undefined);
    const wrapped = (sid) => ({
      id: sid,
      answer: () => post(sid, "answer"),
      decline: () => post(sid, "decline"),
      hangUp: () => post(sid, "hangup"),
      mute: (on) => post(sid, "mute", { muted: on }),
      keys: (digits) => post(sid, "digits", { digits }),
    });
    const listen = () => {
      stream = new EventSource(`${token.at}/softphone/${encodeURIComponent(token.identity)}/events?token=${token.token}`);
      const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
      on("registered", () => tell.ready());
      on("incoming", ({ sid }) => {
        if (calls.has(sid)) return;
        calls.set(sid, wrapped(sid));
        tell.incoming(calls.get(sid));
      });
      on("accepted", ({ sid }) => {
        const call = calls.get(sid);
        call?.accepted?.();
        clearInterval(beat); // there is no sound here: a level that moves like one
        beat = setInterval(() => call?.heard?.(0.25 + 0.2 * Math.sin(Date.now() / 300)), 150);
      });
      on("heard", ({ sid, kind }) => kind === "gather" && calls.get(sid)?.asked?.());
      for (const end of ["cancel", "disconnect"]) on(end, ({ sid }) => { clearInterval(beat); calls.get(sid)?.over?.(); calls.delete(sid); });
      stream.onerror = () => {
        tell.gone();
        if (stream.readyState === EventSource.CLOSED) tell.refused();
      };
    };
    return {
      start(given) { token = given; listen(); },
      renew(given) { token = given; stream.close(); listen(); },
      stop() { stream?.close(); stream = null; },
    };
  };

  /* --- what the page shows ------------------------------------------------------------------------------------------- */
  let call = null;
  let accepted = false;
  let muted = false;

  const say = (word) => {
    const line = part("state");
    if (line.textContent !== words[word]) line.textContent = words[word];
    card.dataset.phone = word;
  };
  const show = () => {
    part("ring").hidden = !call || accepted;
    part("call").hidden = !call || !accepted;
    part("mute").setAttribute("aria-pressed", String(muted));
    part("mute").querySelector("span").textContent = muted ? words.unmute : words.mute;
  };
  const fresh = () => document.getElementById("now").dispatchEvent(new CustomEvent("refresh"));
  const busy = () => document.querySelector("#now [data-status]")?.dataset.status === "busy";

  let notice = null;
  const notify = () => {
    if (!("Notification" in window) || Notification.permission !== "granted" || !document.hidden) return;
    notice = new Notification(words.ringing, { tag: "callback-ring", requireInteraction: true });
    notice.onclick = () => window.focus();
  };

  const ring = (incoming) => {
    if (call) return;
    call = incoming;
    accepted = muted = false;
    call.accepted = () => { accepted = true; notice?.close(); say("joining"); show(); prove(call); };
    call.over = () => { call = null; accepted = false; notice?.close(); say("ready"); show(); fresh(); };
    call.heard = (level) => part("level").style.setProperty("--level", muted ? 0 : Math.min(level, 1).toFixed(2));
    call.asked = () => { if (accepted && !busy()) incoming.keys(KEY); };
    say("ringing");
    show();
    notify();
    fresh();
  };

  /* The key that an agent's leg is asked for: whoever clicked Answer is there. It is pressed until the call is theirs,
     since a key that comes before the question is lost. */
  const prove = (answered, times = 0) => {
    if (call !== answered || busy()) return say(call ? "talking" : "ready");
    if (times >= KEY_TIMES) return;
    answered.keys(KEY);
    setTimeout(fresh, KEY_EVERY_MS / 3);
    setTimeout(() => prove(answered, times + 1), KEY_EVERY_MS);
  };

  part("answer").addEventListener("click", () => call?.answer());
  part("decline").addEventListener("click", async () => {
    const declined = call;
    const form = new FormData();
    form.set("csrf_token", document.querySelector("input[name=csrf_token]").value);
    await fetch(words.declineUrl, { method: "POST", body: form, headers: { "HX-Request": "true" } }).catch(() => undefined);
    declined?.decline();
    fresh();
  });
  part("mute").addEventListener("click", () => {
    muted = !muted;
    call?.mute(muted);
    say(muted ? "muted" : "talking");
    show();
  });
  card.addEventListener("click", (event) => {
    const digit = event.target.closest("[data-digit]")?.dataset.digit;
    if (digit) call?.keys(digit);
  });
  const ask = part("notify");
  if ("Notification" in window && Notification.permission === "default") {
    ask.hidden = false;
    ask.addEventListener("click", async () => { await Notification.requestPermission(); ask.hidden = true; });
  }

  /* --- one tab holds the phone --------------------------------------------------------------------------------------- */
  let phone = null;
  let again = null;
  const later = () => { clearTimeout(again); again = setTimeout(begin, TRY_AGAIN_MS); };
  const token = async () => {
    const answer = await fetch(words.tokenUrl, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };
  const begin = async () => {
    if (!held) return;
    phone?.stop();
    phone = null;
    try {
      const given = await token();
      if (!held) return;
      phone = (given.kind === "stand_in" ? standIn : carrier)({
        ready: () => { if (!call) say("ready"); },
        gone: () => { if (!call) say("offline"); },
        refused: later,
        incoming: ring,
        expiring: () => token().then((renewed) => phone?.renew(renewed)).catch(later),
      });
      phone.start(given);
    } catch {
      say("offline");
      later();
    }
  };

  let held = null;
  const hold = (steal) => navigator.locks.request("callback-phone", steal ? { steal: true } : {}, () => {
    part("here").hidden = true;
    say("connecting");
    return new Promise((release) => { held = release; begin(); });
  }).catch(() => {  // another tab took it
    held = null;
    phone?.stop();
    phone = null;
    waiting();
  });
  const waiting = () => {
    say("elsewhere");
    part("here").hidden = false;
    hold(false);  // ours once the other tab is closed
  };
  part("here").addEventListener("click", () => hold(true));

  if (!navigator.locks) {  // not a secure page, or an old browser: there is no telling about other tabs
    held = () => undefined;
    begin();
  } else {
    navigator.locks.query().then(({ held: taken }) => {
      if (taken.some((lock) => lock.name === "callback-phone")) waiting();
      else hold(false);
    });
  }
  show();
})();
