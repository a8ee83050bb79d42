#!/usr/bin/python3
"""The same as tk_agent.py: a chat page in a Chromium window of its own, as in Electron programs.

    chromium_agent.py NAME X Y W H --log FILE [--kind textarea|editable|async] [--stall-ms N] [--deaf]
                      [--title T] [--placeholder TEXT] [--grow] [--stream] [--complete] [--fade]

textarea: a text area. editable: a contenteditable box. async: its send takes 200 ms, during which the text
stays and the box is disabled. --grow: the box grows with its text. --stream: the transcript goes on by
itself. --complete: a list of completions pops up over the box while something is typed; Enter in it takes
the first one, Escape closes it. --fade: what is sent fades out for a third of a second.
"""

import argparse
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>TITLE</title><style>
html, body { height: 100%; margin: 0; font: 14px sans-serif; background: #fafaf7 }
body { display: flex; flex-direction: column }
#said { flex: 1; overflow-y: auto; padding: 8px; white-space: pre-wrap; word-break: break-word }
#frame { position: relative; margin: 8px; border: 1px solid #999; border-radius: 6px; padding: 6px; background: white }
#frame:focus-within { border-color: #36c; box-shadow: 0 0 0 2px #cde }
#box { width: 100%; min-height: 40px; max-height: 140px; border: 0; outline: 0; resize: none; font: inherit;
  box-sizing: border-box; overflow-y: auto; white-space: pre-wrap; word-break: break-word; display: block }
textarea#box { height: 40px }
div#box:empty:before { content: attr(data-placeholder); color: #999 }
#list { position: absolute; left: 4px; bottom: 100%; background: #ffd; border: 1px solid #aa8; display: none; width: 60% }
#list div { padding: 3px 8px }
</style></head><body><div id="said"></div><div id="frame"><div id="list"></div></div><script>
const how = HOW, said = document.getElementById('said'), frame = document.getElementById('frame');
const list = document.getElementById('list');
const box = document.createElement(how.kind === 'editable' ? 'div' : 'textarea');
box.id = 'box'; box.spellcheck = false;
if (how.kind === 'editable') { box.contentEditable = 'plaintext-only'; box.dataset.placeholder = how.placeholder; }
else box.placeholder = how.placeholder;
frame.appendChild(box);
const text = () => how.kind === 'editable' ? box.innerText : box.value;
const clear = () => { if (how.kind === 'editable') box.textContent = ''; else box.value = ''; grow(); };
const grow = () => { if (how.grow && how.kind !== 'editable') {
  box.style.height = '40px'; box.style.height = Math.min(140, box.scrollHeight) + 'px'; } };
const show = line => { const row = document.createElement('div'); row.textContent = line; said.appendChild(row);
  while (said.childElementCount > 60) said.firstChild.remove(); said.scrollTop = said.scrollHeight; };
const stall = () => { const end = performance.now() + Math.random() * how.stall; while (performance.now() < end); };
const send = () => { const words = text(); clear(); if (!words) return;
  fetch('/said', { method: 'POST', body: JSON.stringify({ text: words }) }); show(words); };
box.addEventListener('keydown', event => {
  if (how.deaf) { event.preventDefault(); return; }
  if (how.stall) stall();
  if (list.style.display === 'block' && event.key === 'Escape') { list.style.display = 'none'; event.preventDefault(); return; }
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (list.style.display === 'block') {
    list.style.display = 'none';
    if (how.kind === 'editable') box.textContent += ' @completed'; else box.value += ' @completed';
    return; }
  if (how.kind === 'async') { if (box.disabled) return; box.readOnly = true; box.style.opacity = .5;
    setTimeout(() => { box.readOnly = false; box.style.opacity = 1; send(); }, 200); return; }
  if (how.fade) { box.style.transition = 'opacity .3s'; box.style.opacity = 0;
    setTimeout(() => { send(); box.style.transition = ''; box.style.opacity = 1; }, 300); return; }
  send(); });
box.addEventListener('paste', event => { if (how.deaf) event.preventDefault(); if (how.stall) stall(); });
box.addEventListener('input', () => { grow();
  if (how.complete) { list.innerHTML = '<div>@first completion</div><div>@second</div>';
    list.style.display = text() ? 'block' : 'none'; } });
if (how.stream) { let n = 0, row = null; setInterval(() => {
  if (n++ % 12 === 0) { row = document.createElement('div'); said.appendChild(row); }
  row.textContent += ' streaming ' + n; while (said.childElementCount > 60) said.firstChild.remove();
  said.scrollTop = said.scrollHeight; }, 60); }
let last = '';
const tell = () => { const r = box.getBoundingClientRect(), top = window.outerHeight - window.innerHeight;
  const side = (window.outerWidth - window.innerWidth) / 2;
  const now = [Math.round(window.screenX + side + r.x + r.width / 2), Math.round(window.screenY + top + r.y + r.height / 2)];
  if (String(now) === last && document.readyState === 'complete') fetch('/ready', { method: 'POST', body: JSON.stringify(now) });
  else { last = String(now); setTimeout(tell, 300); } };
setTimeout(tell, 300);
</script></body></html>"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    for number in ("x", "y", "width", "height"):
        parser.add_argument(number, type=int)
    parser.add_argument("--log", required=True)
    parser.add_argument("--kind", choices=("textarea", "editable", "async"), default="textarea")
    parser.add_argument("--stall-ms", type=int, default=0)
    parser.add_argument("--title")
    parser.add_argument("--placeholder", default="")
    for switch in ("deaf", "grow", "stream", "complete", "fade"):
        parser.add_argument(f"--{switch}", action="store_true")
    return parser.parse_args()


def serve(given):
    how = {name: getattr(given, name) for name in ("kind", "placeholder", "deaf", "grow", "stream", "complete", "fade")}
    how["stall"] = given.stall_ms
    page = PAGE.replace("TITLE", given.title or given.name).replace("HOW", json.dumps(how)).encode()
    announced = threading.Event()
    writing = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path == "/"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page if found else b"")

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with writing:
                if self.path == "/said":
                    line = {"name": given.name, "text": body["text"], "at": time.time()}
                    with open(given.log, "a", encoding="utf-8") as log:
                        log.write(json.dumps(line, ensure_ascii=False) + "\n")
                elif not announced.is_set():
                    announced.set()
                    print("ready", given.name, *body, flush=True)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    given = arguments()
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        sys.exit("chromium is missing: run scripts/install-packages")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="chromium-agent.")
    options = [
        f"--user-data-dir={folder}", f"--window-position={given.x},{given.y}", f"--window-size={given.width},{given.height}",
        "--no-first-run", "--no-default-browser-check", "--disable-sync", "--disable-extensions", "--disable-gpu",
        "--disable-background-networking", "--disable-component-update", "--password-store=basic",
        "--disable-features=Translate,MediaRouter", "--disable-session-crashed-bubble", "--noerrdialogs",
    ]
    if os.geteuid() == 0:
        # Chromium refuses to run as root with its sandbox; the page is our own.
        options.append("--no-sandbox")
    process = subprocess.Popen([browser, *options, f"--app=http://127.0.0.1:{serve(given)}/"], start_new_session=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait()
    except KeyboardInterrupt:
        pass
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
