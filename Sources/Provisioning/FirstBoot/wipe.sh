# The boot partition, where every user of the node can read what was deleted, too. If the card's root partition could not be
# edited, the system's own first boot got the recipe's secrets there; an earlier piflash always put them there.

# hide FILE PROGRAM: FILE as awk's PROGRAM gives it, in the same clusters, filled with blanks.
hide() {
    [ -f "$1" ] && awk "$2" "$1" >"$state/hidden" && ! cmp -s "$1" "$state/hidden" || return 0
    gap=$(($(wc -c <"$1") - $(wc -c <"$state/hidden")))
    {
        cat "$state/hidden"
        [ "$gap" -lt 1 ] || printf '%*s\n' "$((gap - 1))" ''
    } | dd of="$1" conv=notrunc 2>/dev/null
    flush "$1"
}

# Takes the hash and the files out of user-data, which cloud-init reads at every boot, and the keys out of network-config. The
# instance's id is in another file, so cloud-init does nothing again.
hide_seed() {
    [ "$SEED" = 1 ] || return 0
    # shellcheck disable=SC2016 # awk's variables
    hide "$boot/user-data" '/^[a-z]/ { skip = /^write_files:/ } !skip && !/^ *(- )?(hashed_)?passwd:/'
    # shellcheck disable=SC2016
    hide "$boot/network-config" '
        $1 == "password:" { sub(/password:.*/, "password: \"0000000000000000000000000000000000000000000000000000000000000000\"") }
        { print }'
    rm -f "$state/hidden"
}

# Once for each configuration: fills the free clusters with zeros. Only on a file system of its own.
wipe_boot_partition() {
    if [ "$WIPE" = 0 ] || [ -n "$unready" ]; then return 0; fi
    hide_seed
    # DietPi has a copy.
    shred_file "$boot/dietpi-wifi.txt"
    if [ "$(cat "$state/done/wipe" 2>/dev/null)" = "$GENERATION" ] || ! mountpoint -q "$boot"; then return 0; fi
    status working 'overwriting the free space of the boot partition'
    dd if=/dev/zero of="$boot/piflash/zeros" bs=1048576 2>/dev/null
    flush "$boot/piflash"
    rm -f "$boot/piflash/zeros"
    flush "$boot/piflash"
    keep "$state/done/wipe" "$GENERATION"
}
