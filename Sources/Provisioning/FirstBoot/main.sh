write_hosts
switch_radio_on
take_token || status failed 'taking the join token' '' 'cannot write /var/lib/piflash'
if [ -e "$state/finished" ] && [ "$(cat "$state/finished")" = "$GENERATION" ]; then
    if [ "$CLASSIC" = 0 ]; then
        # The last boot may have failed to delete its token, and to write its last status.
        [ ! -e "$state/done/swarm" ] || rm -f "$state/join-token"
        grep -q '^state: done' "$boot/piflash/status.txt" 2>/dev/null ||
            status 'done' finished '' "$(cat "$state/finished-problem" 2>/dev/null)"
        exit 0
    fi
    # Nothing else starts its containers, and the node's address may have changed.
    wait_for_network
    if wait_for_docker && join_classic; then
        problem=$(cat "$state/finished-problem" 2>/dev/null)
        status 'done' finished '' "$problem"
        exit 0
    fi
    status failed "$step" '' "$problem"
    exit 1
fi
[ "$(cat "$state/swarm-generation" 2>/dev/null)" = "$MANAGERS" ] || rm -f "$state/done/swarm"
printf '%s\n' "$MANAGERS" >"$state/swarm-generation"

failed=''
make_locale
use_carried
wait_for_network
wait_for_clock
install_packages
install_docker || failed=$step
if [ "$DOCKER" = 1 ] || [ -s "$state/docker-config" ]; then
    configure_docker
fi
if [ "$DOCKER" = 1 ] && [ -z "$failed" ]; then
    # Docker may have been installed just now.
    if wait_for_docker; then
        configure_docker
        join_group
        load_images
    else
        failed=$step
    fi
fi
run_commands
[ "$CLASSIC" = 1 ] || leave_classic
if [ -z "$failed" ] && [ "$CLASSIC" = 1 ]; then
    join_classic || failed=$step
elif [ -z "$failed" ] && [ "$FORM" = 1 ]; then
    form_swarm || failed=$step
elif [ "$SWARM" = 1 ] && [ -z "$failed" ] && [ ! -e "$state/done/swarm" ]; then
    join_swarm || failed=$step
fi
rm -f "$state/error" "$state/answer"
if [ -n "$unloaded" ] && [ -z "$failed" ]; then failed='loading images' problem=$unloaded; fi
if [ -n "$failed" ]; then
    status failed "$failed" '' "$problem"
    exit 1
fi
printf '%s\n' "$problem" >"$state/finished-problem"
printf '%s\n' "$GENERATION" >"$state/finished"
sync
status 'done' finished '' "$problem"
exit 0
