#!/bin/bash
# A terminal that stands for an agent: every line that is entered is written down.
#
#     xterm_agent.sh NAME X Y COLUMNS ROWS --log FILE [--title T] [--stall-ms N]
#
# With --stall-ms the whole terminal stands still for up to N ms, again and again at random.
#
# Prints `ready NAME X Y` (a point inside the terminal, in screen coordinates) once it is up.
set -euo pipefail

name=$1 x=$2 y=$3 columns=$4 rows=$5
shift 5
log='' title=$name stall=0
while (($#)); do
  case $1 in
    --log) log=$2; shift 2 ;;
    --title) title=$2; shift 2 ;;
    --stall-ms) stall=$2; shift 2 ;;
    *) echo "xterm_agent.sh: unknown option $1" >&2; exit 2 ;;
  esac
done
[[ -n $log ]] || { echo 'xterm_agent.sh: --log FILE is missing' >&2; exit 2; }

: >>"$log"
up=$log.up
rm -f "$up"
# The terminal is in its ordinary line mode with echo, as `cat` finds it; its keys are xterm's own.
LC_ALL=C.UTF-8 xterm -u8 -class SwitchboardTerminal -title "$title" -geometry "${columns}x${rows}+$x+$y" \
  -xrm '*VT100.allowTitleOps: false' \
  -e bash -c 'printf "%s" "$WINDOWID" >"$2.new" && mv "$2.new" "$2"; exec cat > >(tee -a "$1" >/dev/null)' agent "$log" "$up" &
xterm=$!
trap 'kill "$xterm" 2>/dev/null || true; rm -f "$up"' EXIT
trap 'exit 143' TERM INT
for _ in $(seq 200); do
  [[ -s $up ]] && break
  kill -0 "$xterm" 2>/dev/null || exit 1
  sleep 0.05
done
# Ask the server where the window has come to lie; the window manager moves it once.
previous=''
for _ in $(seq 100); do
  place=$(xwininfo -id "$(<"$up")" 2>/dev/null | awk '
    /Absolute upper-left X/ {x = $NF} /Absolute upper-left Y/ {y = $NF}
    /Width:/ {w = $NF} /Height:/ {h = $NF} /Map State: IsViewable/ {up = 1}
    END {if (up) print x + int(w / 2), y + int(h / 2)}') || place=''
  [[ -n $place && $place == "$previous" ]] && break
  previous=$place
  sleep 0.05
done
[[ -n $place ]] || exit 1
echo "ready $name $place"
if ((stall > 0)); then
  # The process that draws and reads keys is stopped; what is sent to it meanwhile waits.
  while kill -0 "$xterm" 2>/dev/null; do
    sleep "$(printf '0.%03d' $((RANDOM % 300)))"
    kill -STOP "$xterm" 2>/dev/null || break
    sleep "$(awk "BEGIN {print $((RANDOM % (stall + 1))) / 1000}")"
    kill -CONT "$xterm" 2>/dev/null || break
  done &
  staller=$!
  trap 'kill "$staller" 2>/dev/null || true; kill -CONT "$xterm" 2>/dev/null || true; kill "$xterm" 2>/dev/null || true; rm -f "$up"' EXIT
fi
wait "$xterm"
