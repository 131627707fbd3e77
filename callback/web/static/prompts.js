/* Speaks what would be heard on the telephone, with a voice of the browser: [data-speak] speaks the [data-say=LANGUAGE]
   beside it. Without a voice for speaking nothing of this is shown. */
(() => {
  "use strict";
  const speech = window.speechSynthesis;
  if (!speech || !window.SpeechSynthesisUtterance) return;
  const TAGS = { "cmn-CN": "zh-CN" }; // as browsers call it
  let playing = null;

  const show = () => {
    for (const one of document.querySelectorAll("[data-speak], [data-speaks]")) one.hidden = false;
  };

  const stop = () => {
    speech.cancel();
    if (playing) playing.button.textContent = playing.named;
    playing = null;
  };

  const play = (button) => {
    const words = [...button.closest(".hearing").querySelectorAll("[data-say]")].map((one) => {
      const spoken = new SpeechSynthesisUtterance(one.textContent);
      spoken.lang = TAGS[one.dataset.say] || one.dataset.say;
      return spoken;
    });
    if (!words.length) return;
    const mine = { button, named: button.textContent };
    playing = mine;
    button.textContent = button.dataset.stop;
    words.at(-1).onend = words.at(-1).onerror = () => { if (playing === mine) stop(); };
    for (const one of words) speech.speak(one);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-speak]");
    if (!button) return;
    const same = playing && playing.button === button;
    stop();
    if (!same) play(button);
  });
  document.addEventListener("htmx:after:swap", () => { stop(); show(); });
  addEventListener("pagehide", stop);
  show();
})();
