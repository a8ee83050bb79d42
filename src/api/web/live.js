// Keeps a page of now fresh: every event asks for the page anew, at most twice a second, and puts in what
// changed. Nothing from elsewhere, and nothing from data is ever written as HTML.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);

  // The slider says where it stands, and goes there when it is let go.
  const slider = byId("ago");
  if (slider) {
    const words = byId("ago-words");
    const say = () => {
      const minutes = Number(slider.value);
      const hours = Math.floor(minutes / 60);
      const text = hours ? `${hours} h ${minutes % 60} min ago` : `${minutes} min ago`;
      words.textContent = minutes ? text : "now";
      slider.setAttribute("aria-valuetext", words.textContent);
    };
    slider.addEventListener("input", say);
    slider.addEventListener("change", () => slider.form.requestSubmit());
  }

  function buttons(root) {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll("button[data-copy]")) {
      button.removeAttribute("data-wait");
    }
  }
  buttons(document);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });

  if (!document.body.hasAttribute("data-live")) return;
  const button = byId("pause");
  const list = byId("events");
  let paused = false;
  let asked = false;

  // Makes a part like its fresh copy and touches only what differs, so that nothing moves, closes or loses
  // the focus without need.
  function put(part, other) {
    if (part.isEqualNode(other)) return;
    if (part.nodeType !== Node.ELEMENT_NODE) {
      part.data = other.data;
      return;
    }
    for (const name of new Set([...part.getAttributeNames(), ...other.getAttributeNames()])) {
      // These are the reader's.
      if (name === "open" || name === "data-wait") continue;
      if (!other.hasAttribute(name)) part.removeAttribute(name);
      else if (part.getAttribute(name) !== other.getAttribute(name)) part.setAttribute(name, other.getAttribute(name));
    }
    const [old, fresh] = [[...part.childNodes], [...other.childNodes]];
    if (old.length === fresh.length && old.every((it, n) => it.nodeName === fresh[n].nodeName)) {
      old.forEach((it, n) => put(it, fresh[n]));
    } else if (!part.contains(document.activeElement)) {
      part.replaceChildren(...fresh);
      buttons(part);
    }
  }

  async function refresh() {
    asked = false;
    if (paused || document.hidden) return;
    try {
      const reply = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!reply.ok || paused) return;
      const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
      for (const part of document.querySelectorAll(".fresh[id]")) {
        const other = fresh.getElementById(part.id);
        if (other) put(part, other);
      }
    } catch {
      // The desk is away for a moment; the stream comes back by itself.
    }
  }

  function soon() {
    if (asked || paused) return;
    asked = true;
    setTimeout(refresh, 500);
  }

  function tell(event) {
    const line = document.createElement("li");
    const position = document.createElement("code");
    position.textContent = event.position;
    line.append(position, ` ${event.kind} ${event.stream}`);
    list.prepend(line);
    while (list.children.length > 50) list.lastChild.remove();
  }

  const stream = new EventSource("/api/v1/events/stream");
  stream.onmessage = (message) => {
    if (list && !paused) tell(JSON.parse(message.data));
    soon();
  };
  stream.addEventListener("lagged", soon);
  addEventListener("pagehide", () => stream.close());
  document.addEventListener("visibilitychange", soon);

  button.removeAttribute("data-wait");
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Go on" : "Pause";
    if (!paused) soon();
  });
  // Ages grow without events, too.
  setInterval(soon, 10000);
})();
