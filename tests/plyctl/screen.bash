# SPDX-License-Identifier: Apache-2.0
# A terminal for tests of full screens, by tmux: keys go in, and what the screen shows is waited for. Source it behind lib.bash.
SCREEN_TRIES=400

# A server that ends takes its time, so each screen has a server of its own.
SCREENS=0 SCREENS_OF=0
screen_tmux() { tmux -f /dev/null -S "$DIR/tmux.$SCREENS_OF.$SCREENS" "$@"; }

# screen_open COLUMNS LINES COMMAND...: when it has ended the screen shows "status N".
screen_open() {
	local columns=$1 lines=$2
	shift 2
	SCREENS=$((SCREENS + 1)) SCREENS_OF=$BASHPID
	LC_ALL=C.UTF-8 screen_tmux new-session -d -s s -x "$columns" -y "$lines" sh -c '"$@"; echo "status $?"; exec sleep 1000' sh "$@"
}

screen() { screen_tmux capture-pane -p -t s; }
screen_with_colours() { screen_tmux capture-pane -e -p -t s; }
keys() { screen_tmux send-keys -t s "$@"; }
# What isn't the name of a key of tmux.
type_text() { screen_tmux send-keys -t s -l -- "$1"; }

# shows REGEX: waits until a line of the screen matches.
shows() {
	local i
	for ((i = 0; i < SCREEN_TRIES; i++)); do
		screen | has -E -- "$1" && return 0
		sleep 0.05
	done
	echo "the screen doesn't show: $1"
	screen
	return 1
}

# shows_not REGEX: waits until no line does.
shows_not() {
	local i
	for ((i = 0; i < SCREEN_TRIES; i++)); do
		screen | has -E -- "$1" || return 0
		sleep 0.05
	done
	echo "the screen shows still: $1"
	screen
	return 1
}

# All of them, at the end.
screens_close() {
	local socket
	for socket in "$DIR"/tmux.*; do
		[ ! -S "$socket" ] || tmux -S "$socket" kill-server 2>/dev/null
	done
}
