// Keeps the start page fresh: every event asks for the page anew, at most four times a second, and puts
// in what changed. Nothing from elsewhere, nothing written as HTML from data.
"use strict";
(() => {
  const list = document.getElementById("events");
  const button = document.getElementById("pause");
  let paused = false;
  let asked = false;

  async function refresh() {
    asked = false;
    if (paused) return;
    try {
      const reply = await fetch("/", { headers: { accept: "text/html" } });
      if (!reply.ok || paused) return;
      const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
      for (const part of document.querySelectorAll(".fresh[id]")) {
        const other = fresh.getElementById(part.id);
        if (other && other.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) {
          part.replaceChildren(...other.childNodes);
        }
      }
    } catch {
      // The desk is away for a moment; the stream comes back by itself.
    }
  }

  function soon() {
    if (asked || paused) return;
    asked = true;
    setTimeout(refresh, 250);
  }

  function tell(event) {
    const line = document.createElement("li");
    const position = document.createElement("code");
    position.textContent = event.position;
    line.append(position, " ", event.kind, " ", event.stream);
    list.prepend(line);
    while (list.children.length > 20) list.lastChild.remove();
  }

  const stream = new EventSource("/api/v1/events/stream");
  stream.onmessage = (message) => {
    if (!paused) tell(JSON.parse(message.data));
    soon();
  };
  stream.addEventListener("lagged", soon);

  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Go on" : "Pause";
    if (!paused) soon();
  });
  // Ages grow without events, too.
  setInterval(soon, 10000);
})();
