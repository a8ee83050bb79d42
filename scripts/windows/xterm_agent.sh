#!/bin/bash
# A terminal that stands for an agent: every line that is entered is written down.
#
#     xterm_agent.sh NAME X Y COLUMNS ROWS --log FILE [--title T] [--stall-ms N] [--kind cat|lines|tmux|bash|tmux-bash]
#
# cat: the terminal's own line mode. lines: bash's line editor, which keeps what is entered and runs nothing.
# tmux: the same within tmux. bash, tmux-bash: a real shell that runs what is entered, its history as the log.
#
# With --stall-ms the whole terminal stands still for up to N ms, again and again at random.
#
# Prints `ready NAME X Y` (a point inside the terminal, in screen coordinates) once it is up.
set -euo pipefail

name=$1 x=$2 y=$3 columns=$4 rows=$5
shift 5
log='' title=$name stall=0 kind=cat
while (($#)); do
  case $1 in
    --log) log=$2; shift 2 ;;
    --title) title=$2; shift 2 ;;
    --stall-ms) stall=$2; shift 2 ;;
    --kind) kind=$2; shift 2 ;;
    *) echo "xterm_agent.sh: unknown option $1" >&2; exit 2 ;;
  esac
done
[[ -n $log ]] || { echo 'xterm_agent.sh: --log FILE is missing' >&2; exit 2; }

: >>"$log"
up=$log.up
rm -f "$up"
here=$(mktemp -d)
# shellcheck disable=SC2016 # for the shell within
{
  case $kind in
    cat) echo 'exec cat > >(tee -a "$AGENT_LOG" >/dev/null)' ;;
    lines | tmux) echo 'while IFS= read -r -e -p "> " line; do printf "%s\n" "$line" >>"$AGENT_LOG"; done' ;;
    bash | tmux-bash) echo 'exec bash --noprofile --rcfile "$AGENT_RC" -i' ;;
    *) echo "xterm_agent.sh: unknown kind $kind" >&2; exit 2 ;;
  esac
} >"$here/agent"
cat >"$here/rc" <<'RC'
PS1='$ ' HISTCONTROL= HISTTIMEFORMAT=
# What was entered is written down when the next prompt comes.
PROMPT_COMMAND='fc -ln -1 2>/dev/null | sed "1s/^\t *//" | tail -n +1 >"$AGENT_RC.now"; n=$HISTCMD; [[ $n != "${last:-1}" ]] && cat "$AGENT_RC.now" >>"$AGENT_LOG"; last=$n'
RC
run=(bash "$here/agent")
[[ $kind == tmux* ]] && run=(tmux -u -S "$here/tmux" -f /dev/null new-session -- bash "$here/agent")
# The terminal is in its ordinary line mode with echo, as `cat` finds it; its keys are xterm's own.
LC_ALL=C.UTF-8 AGENT_LOG=$log AGENT_RC=$here/rc TMUX='' xterm -u8 -class SwitchboardTerminal -title "$title" -geometry "${columns}x${rows}+$x+$y" \
  -xrm '*VT100.allowTitleOps: false' \
  -e bash -c 'printf "%s" "$WINDOWID" >"$1.new" && mv "$1.new" "$1"; shift; exec "$@"' agent "$up" "${run[@]}" &
xterm=$!
leave() {
  if [[ -n ${staller:-} ]]; then kill "$staller" 2>/dev/null || true; kill -CONT "$xterm" 2>/dev/null || true; fi
  [[ $kind == tmux* ]] && { tmux -S "$here/tmux" kill-server 2>/dev/null || true; }
  kill "$xterm" 2>/dev/null || true
  rm -rf "$up" "$here"
}
trap leave EXIT
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
fi
wait "$xterm"
