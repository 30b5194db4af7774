# What has to be there before all else, or nobody gets into the node: the user, sshd and its keys. A system's own first boot
# makes them, in a few seconds in which the power may fail.
keys=$root/etc/piflash/authorized_keys
# Why nobody gets in.
unready=''

# firstrun.sh counts its tries in a file, and at last writes there that it is through.
check_firstrun() {
    tries=$boot/firstrun.tries
    [ -e "$tries" ] || return 0
    if [ "$(cat "$tries")" = through ]; then
        rm -f "$boot/firstrun.sh" "$tries"
        flush "$boot"
    else
        unready='firstrun.sh was cut short each time; configure the card again'
    fi
}

# cloud-init never repeats what it has begun. So it is made to begin again at each boot until the file `seeded` names its
# instance. Its last command makes a file in /run.
seed_is_pending() {
    [ "$SEED" = 1 ] || return 1
    instance=$(readlink "$root/var/lib/cloud/instance") || return 1
    instance=${instance##*/}
    [ "$(cat "$state/seeded" 2>/dev/null)" != "$instance" ]
}

# At most ten minutes. cloud-init restarts this program at its end.
wait_for_seed() {
    began=$(uptime)
    while seed_is_pending && [ ! -e "$root/run/piflash/seeded" ]; do
        status working 'waiting for cloud-init' 'the end of its first boot'
        if [ "$(($(uptime) - began))" -ge "$((600 * tick))" ]; then
            unready='cloud-init does not come to its end, see: cloud-init status --long'
            return 0
        fi
        pause 1
    done
}

# Everything that cloud-init has done is on the card, so it need not do it again.
confirm_seed() {
    if [ -n "$unready" ] || ! seed_is_pending || [ ! -e "$root/run/piflash/seeded" ]; then return 0; fi
    flush "$state"
    # user-data takes this away until then: without it cloud-init sets up the network again.
    keep "$root/var/lib/cloud/data/instance-id" "$instance" && keep "$state/seeded" "$instance"
}

other_password="its password is not the recipe's"

# The user as the recipe wants it; empty if nothing is missing.
account_problem() {
    if ! getent passwd "$ACCOUNT" >/dev/null; then
        echo 'it does not exist'
    elif [ "$(entry_field shadow "$ACCOUNT" 2)" != "$PASSWORD_HASH" ] && [ "$PASSWORD_HASH" != '*' ]; then
        printf '%s\n' "$other_password"
    elif [ ! -d "$root$(entry_field passwd "$ACCOUNT" 6)" ]; then
        echo 'it has no home directory'
    fi
}

# A description of the user that the recipe wants.
account_digest() {
    { printf '%s\n' "$ACCOUNT" "$ACCOUNT_GROUPS" "$PASSWORD_HASH" "$PASSWORD_LOGIN" "$SUDO" && cat "$keys" 2>/dev/null; } | cksum
}

# The boot partition is not a place for the password's hash, so a system's own first boot makes the user with a locked
# password.
password_is_to_come() {
    case $(entry_field shadow "$ACCOUNT" 2) in '!'* | '*'*) return 0 ;; esac
    return 1
}

# Once for each such description: what a person changes later stays. Again after each work of cloud-init, which locks the
# password.
check_account() {
    [ -n "$ACCOUNT" ] || return 0
    wanted=$(account_digest)
    if [ "$(cat "$state/done/account" 2>/dev/null)" = "$wanted" ] && ! seed_is_pending; then return 0; fi
    found=$(account_problem)
    if [ "$found" = "$other_password" ] && password_is_to_come; then found=''; fi
    if [ -n "$found" ]; then
        repaired="the user $ACCOUNT"
        say "the user $ACCOUNT: $found"
        status working "making the user $ACCOUNT"
    fi
    # shellcheck disable=SC2086 # a list
    if make_user "$ACCOUNT" 2>"$state/error" && make_home "$ACCOUNT" 2>"$state/error" &&
        set_password "$ACCOUNT" "$PASSWORD_HASH" 2>"$state/error" &&
        join_groups "$ACCOUNT" $ACCOUNT_GROUPS 2>"$state/error" && put_keys "$ACCOUNT" "$keys" 2>"$state/error" &&
        set_sudo "$ACCOUNT" "$SUDO" 2>"$state/error"; then
        found=$(account_problem)
    else
        found=$(clean <"$state/error")
        found=${found:-$(account_problem)}
        found=${found:-its groups, keys or sudo are not complete}
    fi
    [ -z "$PASSWORD_LOGIN" ] || set_password_login "$PASSWORD_LOGIN"
    [ -z "$sshd_changed" ] || reload_sshd
    if [ -n "$found" ]; then
        unready="the user $ACCOUNT: $found"
    else
        flush "$state"
        keep "$state/done/account" "$wanted"
    fi
}

# DietPi gives its accounts a password from the boot partition, where it stays: a user of the node could read it there and
# log in.
lock_accounts() {
    if [ -z "$LOCKED" ] || [ -n "$unready" ] || [ -e "$state/done/locked" ]; then return 0; fi
    for name in $LOCKED; do
        case $(entry_field shadow "$name" 2) in '$'*) usermod --lock "$name" || return 0 ;; esac
    done
    flush "$state"
    keep "$state/done/locked" "$LOCKED"
}

# sshd reads its configuration when it starts.
reload_sshd() {
    if [ -d "$root/run/systemd/system" ]; then
        systemctl reload ssh.service >/dev/null 2>&1
    else
        service ssh reload >/dev/null 2>&1 9>&-
    fi
}

# sudo may come with the recipe's packages.
allow_sudo() {
    if [ -n "$ACCOUNT" ] && [ -z "$unready" ] && [ ! -e "$root/etc/sudoers.d/010_piflash" ]; then
        set_sudo "$ACCOUNT" "$SUDO"
    fi
}

ssh_is_on() {
    for unit in ssh.service ssh.socket sshd.service; do
        systemctl -q is-enabled "$unit" 2>/dev/null && return 0
    done
    return 1
}

# sshd runs, with keys that can be read: a power cut while they are made leaves empty files. Once, and again when
# cloud-init has applied other settings, since it makes new keys then.
check_ssh() {
    [ -x "$root/usr/sbin/sshd" ] || return 0
    if [ -e "$state/done/ssh" ] && ! seed_is_pending; then return 0; fi
    broken='' sound=''
    for key in "$root"/etc/ssh/ssh_host_*_key; do
        [ -e "$key" ] || continue
        if ssh-keygen -y -P '' -f "$key" >"$state/public" 2>/dev/null; then
            sound=yes
            [ -s "$key.pub" ] || cat "$state/public" >"$key.pub"
        else
            broken=yes
            rm -f "$key" "$key.pub"
        fi
    done
    rm -f "$state/public"
    if [ -n "$broken" ] || [ -z "$sound" ]; then
        status working "making sshd's keys"
        ssh-keygen -A ${root:+-f "$root"} >/dev/null 2>"$state/error" || unready="sshd's keys: $(clean <"$state/error")"
        repaired="${repaired:+$repaired, }sshd's keys"
        broken=yes
    fi
    if [ ! -d "$root/run/systemd/system" ]; then
        [ -z "$broken" ] || service ssh restart >/dev/null 2>&1 9>&-
    elif [ -n "$ACCOUNT" ] && ! ssh_is_on; then
        systemctl enable --now ssh.service >/dev/null 2>&1
        repaired="${repaired:+$repaired, }sshd"
    elif [ -n "$broken" ]; then
        systemctl reset-failed ssh.service 2>/dev/null
        systemctl restart ssh.service >/dev/null 2>&1
    fi
    [ -z "$unready" ] || return 0
    flush "$state"
    keep "$state/done/ssh" checked
}
