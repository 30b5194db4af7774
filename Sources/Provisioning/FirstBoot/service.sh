# dockerd refuses to start if daemon.json has `hosts` and its unit has -H. The unit's command line is kept without -H:
# its path and its other options differ between packages.
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
