#!/usr/bin/python3
"""The same as tk_agent.py, made with Qt 5.

    qt_agent.py NAME X Y W H --log FILE [--stall-ms N] [--kind text|entry] [--deaf] [--title T]
"""

import argparse
import json
import random
import signal
import sys
import time

from PyQt5 import QtCore, QtWidgets


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


class Agent(QtWidgets.QWidget):
    def __init__(self, given):
        super().__init__()
        self.given = given
        self.setWindowTitle(given.title or given.name)
        self.setGeometry(given.x, given.y, given.width, given.height)
        column = QtWidgets.QVBoxLayout(self)
        self.transcript = QtWidgets.QLabel()
        self.transcript.setAlignment(QtCore.Qt.AlignBottom)
        self.transcript.setWordWrap(True)
        # What is shown must not make the window grow: the box would move away.
        ignored = QtWidgets.QSizePolicy.Ignored
        self.transcript.setSizePolicy(ignored, ignored)
        column.addWidget(self.transcript, 1)
        if given.kind == "text":
            self.box = QtWidgets.QPlainTextEdit()
            self.box.setFixedHeight(72)
        else:
            self.box = QtWidgets.QLineEdit()
        column.addWidget(self.box)
        self.box.installEventFilter(self)
        self.where = None
        QtCore.QTimer.singleShot(100, self.ready)

    def eventFilter(self, box, event):  # noqa: N802 (Qt's name)
        if event.type() == QtCore.QEvent.KeyPress:
            if self.given.deaf:
                return True
            if self.given.stall_ms:
                time.sleep(random.uniform(0, self.given.stall_ms) / 1000)
            if event.key() in (QtCore.Qt.Key_Return, QtCore.Qt.Key_Enter):
                self.submit()
                return True
        return super().eventFilter(box, event)

    def submit(self):
        text = self.box.toPlainText() if self.given.kind == "text" else self.box.text()
        self.box.clear()
        if text:
            line = {"name": self.given.name, "text": text, "at": time.time()}
            with open(self.given.log, "a", encoding="utf-8") as log:
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
            self.transcript.setText(text)

    def ready(self):
        # The window manager may still be moving it: two equal looks.
        middle = self.box.mapToGlobal(self.box.rect().center())
        where = (middle.x(), middle.y())
        if not self.box.isVisible() or where != self.where:
            self.where = where
            QtCore.QTimer.singleShot(100, self.ready)
            return
        print("ready", self.given.name, *where, flush=True)


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    application = QtWidgets.QApplication(["switchboard-agent"])
    agent = Agent(arguments())
    agent.show()
    sys.exit(application.exec_())


if __name__ == "__main__":
    main()
