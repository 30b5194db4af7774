# Debian packages from the network: by apt, without questions, through the recipe's proxy.

export DEBIAN_FRONTEND=noninteractive

# run_apt ARGUMENT...: what it reports is in $state/error. Settings files that a person or piflash has changed stay. A list's
# date may be in the future for a node that no time server has reached; its signature counts all the same. Old releases of
# apt ignore options that they do not know.
run_apt() {
    date_check=''
    if ! clock_is_settled; then date_check='-o Acquire::Check-Date=false'; fi
    # shellcheck disable=SC2086 # a list
    by_proxy apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confdef \
        -o Dpkg::Options::=--force-confold $date_check -y -q "$@" </dev/null >/dev/null 2>"$state/error" 9>&-
}

# The first error that the last command reported, or all that it said.
apt_problem() {
    reason=$(grep '^E: ' "$state/error" | head -n 1)
    [ -n "$reason" ] || reason=$(cat "$state/error")
    printf '%s\n' "${reason:-apt-get failed}" | clean
}

# Finishes what a power cut has left half installed.
repair_packages() {
    dpkg --force-confdef --force-confold --configure -a </dev/null >/dev/null 2>&1 9>&-
}

# Reads the lists of packages. A list that cannot be fetched is only a warning to apt-get, and one of several archives may
# be gone for good: so the problem is only noted, for a package that is not found.
update_lists() {
    stale=''
    run_apt update || stale=$(apt_problem)
    [ -n "$stale" ] || stale=$(grep '^W: Failed to fetch ' "$state/error" | head -n 1 | clean)
    case $stale in
    *parse* | *corrupt* | *'Hash Sum'*) rm -rf "$root/var/lib/apt/lists"/* "$root"/var/cache/apt/*.bin ;;
    esac
}

# Before each try. The system may be installing updates by itself at a first boot: apt-get waits for its lock.
prepare_archive() {
    use_legacy_archive
    repair_packages
    update_lists
}

# install_listed PACKAGE...: if it fails, $last says why, and $permanent is set if another try cannot help: the archive
# does not have a package.
install_listed() {
    permanent=''
    if run_apt install "$@"; then return 0; fi
    last=$(apt_problem)
    case $last in
    *'nable to locate package'* | *'has no installation candidate'* | *' was not found'*)
        if [ -n "$stale" ]; then last=$stale; else permanent=yes; fi
        ;;
    # What an interrupted installation has left.
    *dpkg* | *'nmet dependencies'* | *'broken packages'*) run_apt -f install && run_apt install "$@" && return 0 ;;
    esac
    return 1
}

# How often the network is tried: about forty minutes, or two if there is no way out of it.
most_tries() {
    if [ "$rounds" -gt 0 ]; then
        echo "$rounds"
    elif has_way_out; then
        echo 12
    else
        echo 4
    fi
}

needs_packages() { [ -n "$PACKAGES" ] && [ "$(cat "$state/packages" 2>/dev/null)" != "$PACKAGES" ]; }

# Why packages of the recipe are not there.
uninstalled=''

install_packages() {
    needs_packages || return 0
    delay=15 tries=0 last=''
    while :; do
        status working 'installing packages' "$PACKAGES" "$last"
        if has_route; then
            prepare_archive
            # shellcheck disable=SC2086 # a list
            if install_listed $PACKAGES; then
                keep "$state/packages" "$PACKAGES"
                return 0
            fi
        else
            last='there is no network' permanent=''
        fi
        tries=$((tries + 1))
        if [ -n "$permanent" ] || [ "$tries" -ge "$(most_tries)" ]; then break; fi
        status working 'installing packages' "$PACKAGES" "$last"
        back_off "$delay"
        delay=$((delay * 2))
        [ "$delay" -le 300 ] || delay=300
    done
    uninstalled="first_boot.packages: $(install_one_by_one)"
}

# Those that can be installed; prints the others, each with the reason.
install_one_by_one() {
    separator=''
    for package in $PACKAGES; do
        if has_route; then install_listed "$package" && continue; fi
        printf '%s%s: %s' "$separator" "$package" "${last#E: }"
        separator='; '
    done
}

# Points apt at the archive of old releases, where the recipe wants it. HypriotOS's own archive is nowhere any more, and an
# archive without a list would be an error at each update. Debian's is not signed again, so its lists are too old.
use_legacy_archive() {
    [ -n "$LEGACY_ARCHIVE" ] || return 0
    case $LEGACY_ARCHIVE in
    raspbian) set -- -e 's#https*://[a-z]*\.raspb[a-z]*\.[a-z]*/raspbian#http://legacy.raspbian.org/raspbian#g' ;;
    debian)
        set -- -e 's#https*://security\.debian\.org/*\(debian-security/*\)*#http://archive.debian.org/debian-security/#g' \
            -e 's#https*://[a-z.]*debian\.org/debian#http://archive.debian.org/debian#g' \
            -e 's#https*://http\.debian\.net/debian#http://archive.debian.org/debian#g'
        ;;
    ubuntu) set -- -e 's#https*://[a-z.]*\.ubuntu\.com/ubuntu\(-ports\)*#http://old-releases.ubuntu.com/ubuntu#g' ;;
    esac
    for file in "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/*.list "$root"/etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        sed "$@" -e 's#^deb.*://packagecloud\.io/Hypriot/#\# &#' "$file" >"$state/sources" || continue
        cmp -s "$state/sources" "$file" || cat "$state/sources" >"$file"
    done
    rm -f "$state/sources"
    mkdir -p "${legacy_conf%/*}" && printf '%s\n' '// Written by piflash: an archive that is not signed again.' \
        'Acquire::Check-Valid-Until "false";' >"$legacy_conf"
}
legacy_conf=$root/etc/apt/apt.conf.d/80piflash-legacy
