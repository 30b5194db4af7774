# dockerd refuses to start when `hosts` stands in daemon.json and -H in its unit. The unit's own command line is
# kept but for -H: its path and its other options differ between packages.
write_dropin() {
    rm -f "$dropin"
    line=$(systemctl cat docker.service 2>/dev/null | sed -e ':a' -e '/\\$/N' -e 's/\\\n//' -e 'ta' |
        sed -n 's/^ExecStart=[ ]*\(..*\)$/\1/p' | tail -n 1)
    [ -n "$line" ] || return 1
    command='' skip=0
    set -f
    for word in $line; do
        if [ "$skip" = 1 ]; then
            skip=0
            continue
        fi
        case $word in
        -H | --host) skip=1 ;;
        -H* | --host=*) ;;
        *) command="$command${command:+ }$word" ;;
        esac
    done
    set +f
    mkdir -p "${dropin%/*}" &&
        printf '[Service]\nExecStart=\nExecStart=%s\n' "$command" >"$dropin.new" && mv -f "$dropin.new" "$dropin"
}

restart_docker() {
    if [ -d "$root/run/systemd/system" ]; then
        systemctl daemon-reload
        systemctl reset-failed docker.service 2>/dev/null
        systemctl restart docker.service
    else
        service docker restart 9>&-
    fi
}

# Restarts Docker once for each new configuration; one that the recipe has dropped is taken away.
configure_docker() {
    had=$(cat "$state/docker-config" 2>/dev/null)
    [ "$had" = "$DOCKER_CONFIG" ] && return 0
    command -v docker >/dev/null 2>&1 || return 0
    status working 'configuring Docker'
    [ -n "$DOCKER_CONFIG" ] || rm -f "$daemon"
    [ "$DOCKER_PROXY" = 1 ] || rm -f "$proxy_dropin"
    if [ "$DOCKER_HOSTS" = 1 ]; then
        write_dropin || problem='docker.service has no ExecStart: its -H option may conflict with hosts in daemon.json'
    else
        rm -f "$dropin"
    fi
    if restart_docker >/dev/null 2>"$state/error"; then
        printf '%s\n' "$DOCKER_CONFIG" >"$state/docker-config"
    else
        problem="docker does not start, see its log: $(clean <"$state/error")"
    fi
}

# At most ten minutes: packages may still be on their way.
wait_for_docker() {
    waited=0
    status working 'waiting for Docker' 'docker info'
    until docker info >/dev/null 2>"$state/error"; do
        if command -v docker >/dev/null 2>&1; then
            reason=$(clean <"$state/error")
        else
            reason='docker is not installed; add first_boot.packages: [docker.io] to the recipe'
        fi
        if [ "$waited" -ge 600 ]; then
            problem=$reason
            return 1
        fi
        status working 'waiting for Docker' 'docker info' "$reason"
        pause 5
        waited=$((waited + 5))
    done
}
