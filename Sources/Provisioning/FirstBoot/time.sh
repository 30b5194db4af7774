# Waiting for the time.

# Whether one of the managers tells the time. Without the rack's key no one does.
ask_time() {
    if [ "$FORM" = 0 ] || [ ! -s "$(token_key)" ]; then return 1; fi
    for manager in $MANAGERS; do
        if tell_time "$manager"; then return 0; fi
    done
    return 1
}

# Certificates need the time. A time server answers within seconds, or there is none: this waits for it until the network
# has been up for $1 seconds, which other work may have used up already, and for 5 seconds if there is no way out of the
# network. A manager that tells the time ends it, too.
wait_for_clock() {
    limit=$1 turn=0
    has_way_out || limit=5
    until clock_is_settled; do
        # Asking costs the manager a login each time.
        if [ "$((turn % 4))" = 0 ] && ask_time; then break; fi
        turn=$((turn + 1))
        status working 'waiting for the clock' 'a time server'
        [ "$(($(uptime) - online_since))" -lt "$((limit * tick))" ] || break
        pause 1
    done
    # The token service tells other nodes the time from now on.
    : >"$root/run/piflash/clock-is-settled"
}
