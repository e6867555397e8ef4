// The page is whole without this. With it, the parts that change are replaced as they do.
"use strict";
(() => {
  const pulse = document.getElementById("pulse");
  const say = (words, state) => { pulse.textContent = words; pulse.className = state; };

  const replace = ([id, html]) => {
    const made = document.createElement("template");
    made.innerHTML = html;
    const part = made.content.firstElementChild;
    const old = document.getElementById(id);
    if (!part) return;
    if (!old) {
      document.getElementById("main").append(part);
      return;
    }
    // What the reader has opened, scrolled and focused stays so.
    for (const open of old.querySelectorAll("details[open][id]")) {
      const again = part.querySelector("#" + CSS.escape(open.id));
      if (again) again.open = true;
    }
    const focus = keyOf(old, document.activeElement);
    const scrolled = [...old.querySelectorAll(".scroll")].map((e) => [e.scrollLeft, e.scrollTop]);
    old.replaceWith(part);
    part.querySelectorAll(".scroll").forEach((e, i) => {
      if (scrolled[i]) [e.scrollLeft, e.scrollTop] = scrolled[i];
    });
    if (focus >= 0) focusable(part)[focus]?.focus({ preventScroll: true });
  };

  const focusable = (part) => part.querySelectorAll("a, button, summary, [tabindex]");
  const keyOf = (part, element) => [...focusable(part)].indexOf(element);

  let source, again;
  const watch = () => {
    clearTimeout(again);
    source?.close();
    say("connecting", "off");
    source = new EventSource(document.body.dataset.live);
    source.onopen = () => say("live", "on");
    source.onmessage = (event) => JSON.parse(event.data).forEach(replace);
    source.onerror = () => {
      say("connecting again", "off");
      // After an answer that is no stream the browser does not try again by itself.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(watch, 5000);
    };
  };
  // A page that nobody sees is no viewer.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(again);
      source?.close();
    } else {
      watch();
    }
  });
  if (!document.hidden) watch();
})();
