"""The usual way in Python: PyAutoGUI with its default pause, and pyperclip. Reads `X Y TEXT` lines, prints the
microseconds of each."""

import sys
import time

import pyautogui
import pyperclip

pyautogui.FAILSAFE = False
for line in sys.stdin:
    x, y, text = line.rstrip("\n").split(" ", 2)
    begun = time.monotonic()
    pyautogui.click(int(x), int(y))
    pyperclip.copy(text)
    pyautogui.hotkey("ctrl", "v")
    pyautogui.press("enter")
    print(int((time.monotonic() - begun) * 1e6), flush=True)
