write_hosts
write_environment
switch_radio_on
take_token || status failed 'taking the join token' '' 'cannot write /var/lib/piflash'
# A node that has finished may have followed a manager to an earlier time.
[ -e "$state/finished" ] || set_clock_to_flash_time
check_firstrun
wait_for_seed
check_account
lock_accounts
check_ssh
confirm_seed
wipe_boot_partition
if [ -e "$state/finished" ] && [ "$(cat "$state/finished")" = "$GENERATION" ]; then
    if [ -n "$unready" ]; then
        status failed 'checking the login' '' "$unready"
        exit 1
    fi
    retry_files
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
if [ "$(cat "$state/swarm-generation" 2>/dev/null)" != "$MANAGERS" ]; then
    rm -f "$state/done/swarm"
    keep "$state/swarm-generation" "$MANAGERS"
fi

failed=''
# The first manager decides what time it is in the rack.
patience=120
[ "$FIRST" = 0 ] || patience=15
make_locale
install_files
use_carried
wait_for_network
if needs_packages || needs_modules || { [ -n "$INSTALL" ] && ! has_docker; }; then wait_for_clock 120; fi
install_packages
allow_sudo
# locale-gen may have been among them.
make_locale
install_modules
check_kernel
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
# Nothing before this needs the time. A node that fetches its token gets the time with it.
if has_commands || [ "$FIRST" = 1 ] || { [ "$SWARM" = 1 ] && [ "$FORM" = 0 ]; }; then
    wait_for_clock "$patience"
fi
wait_for_locale
# Packages and Docker have brought their users and groups.
install_files last
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
if [ -n "$uninstalled" ] && [ -z "$failed" ]; then failed='installing packages' problem=$uninstalled; fi
if [ -n "$unready" ]; then failed='checking the login' problem=$unready; fi
[ -z "$lacking" ] || problem="${problem:+$problem; }$lacking"
if [ -n "$failed" ]; then
    status failed "$failed" '' "$problem"
    exit 1
fi
keep "$state/finished-problem" "$problem"
keep "$state/finished" "$GENERATION"
status 'done' finished '' "$problem"
exit 0
