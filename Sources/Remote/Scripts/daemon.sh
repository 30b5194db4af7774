# Gives Docker on this node a new configuration, and puts the old one back if Docker does not start with the new one. These
# variables are set before: NAME (daemon.json or docker-options), FILE, NEW (its contents), WRITTEN (what the recipe sets,
# to be recorded for the next time), SUM (of the file that was validated), PROXIES (the drop-in's contents), PRIVATE (1 when root alone
# may read FILE), HOSTS, RESTART, MANAGER, WAIT (seconds).
# Answers with a line "result WORD", and the last lines of dockerd's log as "file log BYTES".
set -u
umask 022
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# Finish or undo the work even if the connection breaks. Catch the signals instead of ignoring them: programs that are
# started here (dockerd under sysvinit) must not inherit ignored signals.
trap : HUP INT TERM PIPE

root=${PIFLASH_ROOT:-}
tick=${PIFLASH_TICK:-1}
state=$root/var/lib/piflash
# shellcheck disable=SC2034 # for write_dropin
dropin=$root/etc/systemd/system/docker.service.d/piflash.conf
proxies=$root/etc/systemd/system/docker.service.d/piflash-proxy.conf
# shellcheck disable=SC2153 # set before
target=$root$FILE
[ -L "$target" ] && target=$(readlink -f "$target")
new=$target.piflash-new

pause() { sleep "$(($1 * tick))"; }
reply() { printf 'result %s\n' "$1"; }

explain() {
    [ -s "$1" ] || return 0
    printf 'file %s %s\n' "$2" "$(wc -c <"$1" | tr -d ' ')"
    cat "$1"
    echo
}

patient() {
    if command -v timeout >/dev/null 2>&1; then timeout 20 "$@"; else "$@"; fi
}

wait_for() {
    waited=0
    until patient "$@" >/dev/null 2>"$state/error"; do
        [ "$waited" -ge "$WAIT" ] && return 1
        pause 1
        waited=$((waited + 1))
    done
}

# Restarts Docker; true if it answers, and still answers a moment later.
start_docker() {
    restart_docker >"$state/error" 2>&1 && wait_for docker version && pause 1 && wait_for docker version
}

write_log() {
    if [ -d "$root/run/systemd/system" ]; then
        journalctl -u docker.service -n 15 --no-pager -o cat
    else
        for file in /var/log/docker.log /var/log/upstart/docker.log /var/log/daemon.log; do
            [ -s "$root$file" ] && tail -n 15 "$root$file" && break
        done
    fi 2>/dev/null | cut -c 1-500 >"$state/log"
    [ -s "$state/log" ] || cp "$state/error" "$state/log"
}

# keep FILE COPY: copies FILE, or removes COPY if there is no FILE.
keep() {
    rm -f "$2"
    [ ! -e "$1" ] || cp -p "$1" "$2"
}

restore() {
    if [ -e "$2" ]; then cp -p "$2" "$1.piflash-new" && mv -f "$1.piflash-new" "$1"; else rm -f "$1"; fi
}

# put_back FILE COPY: the old file must be in its place again, so this tries twice.
put_back() { restore "$1" "$2" || restore "$1" "$2" || rm -f "$1.piflash-new"; }

# Gives the new file the old one's owner and mode, or gives it to root alone, before it contains anything.
write_new() {
    if [ -e "$target" ]; then cp -p "$target" "$new"; else : >"$new"; fi || return 1
    [ "$PRIVATE" = 0 ] || chmod 600 "$new" || return 1
    printf '%s' "$NEW" >"$new" && sync
}

replace() {
    mv -f "$new" "$target" || return 1
    [ -d "$root/run/systemd/system" ] || return 0
    if [ "$HOSTS" = 1 ]; then write_dropin; else rm -f "$dropin"; fi && write_proxies
}

# The proxies of an engine that takes them from its environment. They may contain a password.
write_proxies() {
    rm -f "$proxies"
    [ -n "$PROXIES" ] || return 0
    mkdir -p "${proxies%/*}" && (umask 077 && printf '%s' "$PROXIES" >"$proxies.new") && mv -f "$proxies.new" "$proxies"
}

record() {
    (umask 077 && printf '%s' "$WRITTEN" >"$state/$NAME.written.new") &&
        mv -f "$state/$NAME.written.new" "$state/$NAME.written"
}

mkdir -p "$state" "${target%/*}" "$root/run" || { reply unwritable; return 0; }
chmod 700 "$state"
exec 9>"$root/run/piflash-daemon.lock"
flock -n 9 || { reply busy; return 0; }
sum=none
[ ! -e "$target" ] || sum=$(cksum <"$target" | tr ' ' -)
[ "$sum" = "$SUM" ] || { reply changed; return 0; }
if [ "$RESTART" = 0 ]; then
    record || { reply unwritable; return 0; }
    reply same
    return 0
fi

# 1. Write the new file beside the old one.
if ! write_new; then
    rm -f "$new"
    reply unwritable
    return 0
fi
# 2. Let dockerd validate it, from 23.0 on.
if [ "$NAME" = daemon.json ] && dockerd --help 2>/dev/null 9>&- | grep -q -e --validate; then
    if ! dockerd --validate --config-file "$new" >"$state/log" 2>&1 9>&-; then
        rm -f "$new"
        reply invalid
        explain "$state/log" log
        return 0
    fi
fi
# 3. Keep the old state.
if ! keep "$target" "$state/$NAME.before" || ! keep "$dropin" "$state/dropin.before" ||
    ! keep "$proxies" "$state/proxies.before"; then
    rm -f "$new"
    reply unwritable
    return 0
fi
# 4. Replace the old file.
# 5. Restart Docker with the new file.
if replace && sync && start_docker; then
    record
    rm -f "$state/proxies.before"
    if [ "$MANAGER" = 1 ] && ! wait_for docker node ls; then
        reply no-quorum
        explain "$state/error" log
        return 0
    fi
    reply changed-and-running
    return 0
fi
# 6. If one of these steps fails, put the old state back and restart again.
rm -f "$new"
write_log
put_back "$target" "$state/$NAME.before"
put_back "$dropin" "$state/dropin.before"
put_back "$proxies" "$state/proxies.before"
rm -f "$state/proxies.before"
sync
if start_docker; then reply rolled-back; else reply down; fi
explain "$state/log" log
