#!/usr/bin/python3
"""A small window that stands for an agent: what is submitted to it is written down.

    tk_agent.py NAME X Y W H --log FILE [--stall-ms N] [--react-ms N] [--kind text|entry] [--deaf] [--title T]

Return submits: one JSON line {"name", "text", "at"} goes to FILE, the box is cleared and the text
appears in the transcript above. Once the window is up, `ready NAME X Y` is printed: the middle of
the input box in screen coordinates.
"""

import argparse
import json
import os
import random
import sys
import time
import tkinter as tk


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    for number in ("x", "y", "width", "height"):
        parser.add_argument(number, type=int)
    parser.add_argument("--log", required=True)
    parser.add_argument("--stall-ms", type=int, default=0)
    parser.add_argument("--react-ms", type=int, default=0, help="take so long for every key")
    parser.add_argument("--kind", choices=("text", "entry"), default="text")
    parser.add_argument("--deaf", action="store_true", help="ignore every key")
    parser.add_argument("--title")
    return parser.parse_args()


class Agent:
    def __init__(self, given):
        self.given = given
        self.root = tk.Tk(className="SwitchboardAgent")
        self.root.title(given.title or given.name)
        self.root.geometry(f"{given.width}x{given.height}+{given.x}+{given.y}")
        self.transcript = tk.Label(
            self.root, anchor="sw", justify="left", bg="#f4f4f0", wraplength=given.width - 16
        )
        self.transcript.pack(side="top", fill="both", expand=True)
        if given.kind == "text":
            self.box = tk.Text(self.root, height=4, wrap="char", undo=False)
        else:
            self.box = tk.Entry(self.root)
        self.box.pack(side="bottom", fill="x", padx=6, pady=6)
        self.box.bind("<Return>", self.submit)
        self.box.bind("<KP_Enter>", self.submit)
        if given.stall_ms or given.react_ms:
            self.box.bind("<Key>", self.stall)
            self.box.bind("<<Paste>>", self.stall)
        if given.deaf:
            for sequence in ("<Key>", "<Return>", "<KP_Enter>", "<<Paste>>"):
                self.box.bind(sequence, lambda _event: "break")
        self.root.bind("<Map>", lambda _event: self.root.after(50, self.ready))
        self.announced = False

    def stall(self, _event):
        time.sleep((random.uniform(0, self.given.stall_ms) + self.given.react_ms) / 1000)

    def text(self):
        if self.given.kind == "text":
            return self.box.get("1.0", "end-1c")
        return self.box.get()

    def submit(self, event):
        if self.given.stall_ms or self.given.react_ms:
            self.stall(event)
        text = self.text()
        if self.given.kind == "text":
            self.box.delete("1.0", "end")
        else:
            self.box.delete(0, "end")
        if text:
            line = {"name": self.given.name, "text": text, "at": time.time()}
            with open(self.given.log, "a", encoding="utf-8") as log:
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.transcript.configure(text=text)
        return "break"

    def ready(self):
        if self.announced or not self.box.winfo_viewable():
            return
        self.announced = True
        self.root.update_idletasks()
        x = self.box.winfo_rootx() + self.box.winfo_width() // 2
        y = self.box.winfo_rooty() + self.box.winfo_height() // 2
        print("ready", self.given.name, x, y, flush=True)


def main():
    agent = Agent(arguments())
    # Closing the pipe or the window must end this quietly.
    agent.root.protocol("WM_DELETE_WINDOW", lambda: os._exit(0))
    try:
        agent.root.mainloop()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)


if __name__ == "__main__":
    main()
