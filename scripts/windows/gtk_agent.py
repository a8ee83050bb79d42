#!/usr/bin/python3
"""The same as tk_agent.py, made with GTK 3.

    gtk_agent.py NAME X Y W H --log FILE [--stall-ms N] [--kind text|entry] [--deaf] [--title T]
"""

import argparse
import json
import os
import random
import sys
import time

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GLib, Gtk  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    for number in ("x", "y", "width", "height"):
        parser.add_argument(number, type=int)
    parser.add_argument("--log", required=True)
    parser.add_argument("--stall-ms", type=int, default=0)
    parser.add_argument("--kind", choices=("text", "entry"), default="entry")
    parser.add_argument("--deaf", action="store_true", help="ignore every key")
    parser.add_argument("--title")
    return parser.parse_args()


def scrolled(inside):
    """What is shown must not make the window grow: the box would move away."""
    outside = Gtk.ScrolledWindow(hexpand=True)
    outside.set_policy(Gtk.PolicyType.NEVER, Gtk.PolicyType.EXTERNAL)
    outside.add(inside)
    return outside


class Agent:
    def __init__(self, given):
        self.given = given
        self.window = Gtk.Window(title=given.title or given.name)
        self.window.set_default_size(given.width, given.height)
        self.window.move(given.x, given.y)
        column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, margin=6)
        self.transcript = Gtk.Label(xalign=0, yalign=1, wrap=True)
        column.pack_start(scrolled(self.transcript), True, True, 0)
        if given.kind == "text":
            self.box = Gtk.TextView(wrap_mode=Gtk.WrapMode.CHAR)
            outside = scrolled(self.box)
            outside.set_size_request(-1, 72)
        else:
            outside = self.box = Gtk.Entry()
        column.pack_end(outside, False, True, 0)
        self.window.add(column)
        self.box.connect("key-press-event", self.key)
        self.window.connect("destroy", lambda _window: os._exit(0))
        self.window.show_all()
        self.waited = 0
        GLib.timeout_add(50, self.ready)

    def key(self, _box, event):
        if self.given.deaf:
            return True
        if self.given.stall_ms:
            time.sleep(random.uniform(0, self.given.stall_ms) / 1000)
        if event.keyval in (Gdk.KEY_Return, Gdk.KEY_KP_Enter):
            self.submit()
            return True
        return False

    def text(self):
        if self.given.kind == "text":
            words = self.box.get_buffer()
            return words.get_text(words.get_start_iter(), words.get_end_iter(), True)
        return self.box.get_text()

    def submit(self):
        text = self.text()
        if self.given.kind == "text":
            self.box.get_buffer().set_text("")
        else:
            self.box.set_text("")
        if text:
            line = {"name": self.given.name, "text": text, "at": time.time()}
            with open(self.given.log, "a", encoding="utf-8") as log:
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.transcript.set_text(text)

    def ready(self):
        if not self.box.get_mapped():
            return True
        # The window manager may still be moving it: two equal looks.
        where = self.middle()
        if where != self.waited:
            self.waited = where
            return True
        print("ready", self.given.name, *where, flush=True)
        return False

    def middle(self):
        room = self.box.get_allocation()
        _, left, top = self.window.get_window().get_origin()
        x, y = self.box.translate_coordinates(self.window, 0, 0)
        return left + x + room.width // 2, top + y + room.height // 2


def main():
    agent = Agent(arguments())
    try:
        Gtk.main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(0)
    return agent


if __name__ == "__main__":
    main()
