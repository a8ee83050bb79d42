#!/usr/bin/python3
"""A program that gets in the way. What is typed, pasted or entered into it is written down.

    hostile.py focus|modal|mover|clipboard --log FILE [--every-ms N] [--seed N] [--over TITLE]...

focus: a window of its own takes the keyboard, again and again. modal: a dialog pops up over one of the
windows, and goes again. mover: moves the windows about. clipboard: puts something else into the clipboard.
The pauses are random, N ms on the average. `ready` is printed once it is up.
"""

import argparse
import json
import random
import subprocess
import sys
import time
import tkinter as tk


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manner", choices=("focus", "modal", "mover", "clipboard"))
    parser.add_argument("--log", required=True)
    parser.add_argument("--every-ms", type=float, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--over", action="append", default=[], metavar="TITLE")
    return parser.parse_args()


def windows_of(title):
    found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"], capture_output=True, text=True,
                           check=False, timeout=20)
    return found.stdout.split()


class Hostile:
    def __init__(self, given):
        self.given, self.dice = given, random.Random(given.seed)
        self.root = tk.Tk(className="Hostile")
        self.root.title("hostile")
        self.root.geometry("220x60+0+990")
        self.box = self.watched(self.root)
        self.acts = 0
        if given.manner in ("mover", "clipboard"):
            self.root.withdraw()
        self.places = {}
        self.root.after(500, self.begin)

    def watched(self, parent):
        box = tk.Entry(parent)
        box.pack(fill="x", padx=4, pady=4)
        for sequence in ("<Return>", "<KP_Enter>", "<space>"):
            box.bind(sequence, lambda _event: self.note("entered", box.get()))
        box.bind("<<Paste>>", lambda _event: self.root.after(1, lambda: self.note("pasted", box.get())))
        box.bind("<Key>", lambda event: self.note("key", event.keysym), add=True)
        return box

    def note(self, what, text):
        with open(self.given.log, "a", encoding="utf-8") as log:
            log.write(json.dumps({"what": what, "text": text, "at": time.time()}, ensure_ascii=False) + "\n")

    def begin(self):
        for title in self.given.over:
            for number in windows_of(title):
                self.places.setdefault(title, number)
        print("ready", flush=True)
        self.again()

    def again(self):
        self.root.after(max(1, int(self.dice.expovariate(1 / self.given.every_ms))), self.act)

    def act(self):
        self.acts += 1
        getattr(self, self.given.manner)()
        self.again()

    def focus(self):
        self.box.delete(0, "end")
        self.root.lift()
        self.box.focus_force()
        self.note("stole", "")

    def modal(self):
        over = self.dice.choice(list(self.places.values()))
        told = subprocess.run(["xdotool", "getwindowgeometry", "--shell", over], capture_output=True, text=True,
                              check=False, timeout=20).stdout
        place = dict(line.split("=") for line in told.split())
        dialog = tk.Toplevel(self.root)
        dialog.title("Are you sure?")
        dialog.transient(self.root)
        x, y = int(place.get("X", 100)), int(place.get("Y", 100))
        width, height = int(place.get("WIDTH", 300)), int(place.get("HEIGHT", 200))
        dialog.geometry(f"240x80+{x + width // 2 - 120}+{y + self.dice.choice([10, height - 90])}")
        tk.Button(dialog, text="Delete everything", command=lambda: self.note("entered", "Delete everything")).pack()
        self.watched(dialog).focus_force()
        self.note("popped", "")
        dialog.after(self.dice.randint(30, 600), dialog.destroy)

    def mover(self):
        title, number = self.dice.choice(list(self.places.items()))
        x, y = self.dice.randint(0, 900), self.dice.randint(30, 500)
        self.note("moved", title)
        subprocess.run(["xdotool", "windowmove", number, str(x), str(y)], check=False, timeout=20)

    def clipboard(self):
        self.root.clipboard_clear()
        self.root.clipboard_append(f"stolen {self.acts}")
        self.note("copied", f"stolen {self.acts}")


def main():
    hostile = Hostile(arguments())
    try:
        hostile.root.mainloop()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)


if __name__ == "__main__":
    main()
