"""The usual way in a shell: xdotool and xclip, one call after the other. Reads `X Y TEXT` lines, prints the
microseconds of each."""

import subprocess
import sys
import time

for line in sys.stdin:
    x, y, text = line.rstrip("\n").split(" ", 2)
    begun = time.monotonic()
    subprocess.run(["xdotool", "mousemove", x, y, "click", "1"], check=True)
    subprocess.run(["xclip", "-selection", "clipboard", "-i"], input=text.encode(), check=True)
    subprocess.run(["xdotool", "key", "ctrl+v"], check=True)
    subprocess.run(["xdotool", "key", "Return"], check=True)
    print(int((time.monotonic() - begun) * 1e6), flush=True)
