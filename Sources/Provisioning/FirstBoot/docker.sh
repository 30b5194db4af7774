# Restarts Docker once for each new configuration. A configuration that the recipe no longer has is removed.
configure_docker() {
    had=$(cat "$state/docker-config" 2>/dev/null)
    [ "$had" = "$DOCKER_CONFIG" ] && return 0
    has_docker || return 0
    status working 'configuring Docker'
    [ -n "$DOCKER_CONFIG" ] || rm -f "$daemon"
    [ "$DOCKER_PROXY" = 1 ] || rm -f "$proxy_dropin"
    if [ "$DOCKER_HOSTS" = 1 ]; then
        write_dropin || problem='docker.service has no ExecStart: its -H option may conflict with hosts in daemon.json'
    else
        rm -f "$dropin"
    fi
    if restart_docker >/dev/null 2>"$state/error"; then
        keep "$state/docker-config" "$DOCKER_CONFIG"
    else
        problem="docker does not start, see its log: $(clean <"$state/error")"
    fi
}

# At most ten minutes: packages may still be on their way.
wait_for_docker() {
    began=$(uptime)
    status working 'waiting for Docker' 'docker info'
    until docker info >/dev/null 2>"$state/error"; do
        if has_docker; then
            reason=$(clean <"$state/error")
        else
            reason='docker is not installed; write docker.install: auto in the recipe'
        fi
        if [ "$(($(uptime) - began))" -ge "$((600 * tick))" ]; then
            problem=$reason
            return 1
        fi
        status working 'waiting for Docker' 'docker info' "$reason"
        pause 1
    done
}
