/* Plays from stop to stop, up to the last. */

import { makeButton } from "./controls.js";

const PLAY = "▶ play";
const PAUSE = "❚❚ pause";

/* `last` and `now` tell the last and the present stop, `choose` sets one; `speaker` is not read out at every step. */
export function makePlayer(last, now, choose, speaker, milliseconds = 900) {
  let clock = 0;
  const button = makeButton(PLAY, () => (clock ? pause() : play()));
  button.classList.add("sg-play");

  function pause() {
    clearInterval(clock);
    clock = 0;
    button.textContent = PLAY;
    speaker.setAttribute("aria-live", "polite");
  }

  function play() {
    if (now() === last()) choose(0);
    button.textContent = PAUSE;
    speaker.setAttribute("aria-live", "off");
    clock = setInterval(step, milliseconds);
  }

  function step() {
    if (now() === last()) pause();
    else choose(now() + 1);
  }

  return { button, pause };
}
