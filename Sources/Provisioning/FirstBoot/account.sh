# The recipe's user. The system's own first boot makes it; a power cut in there can leave it out, or half made, so each
# function here does what is missing, and may itself be cut short and run again. firstrun.sh uses them, too.

# Field $3 of what getent(1) finds for $2 in database $1.
entry_field() { getent "$1" "$2" | cut -d: -f"$3"; }

# Makes user $1. With TAKEOVER=1 the image's first user becomes that user: the password of the former is published.
make_user() {
    if ! getent passwd "$1" >/dev/null; then
        vendors=''
        [ "$TAKEOVER" = 0 ] || vendors=$(entry_field passwd 1000 1)
        if [ -n "$vendors" ]; then
            usermod --login "$1" --home "/home/$1" --move-home "$vendors" || return 1
        else
            useradd --create-home --shell /bin/bash "$1" || return 1
        fi
    fi
    [ "$TAKEOVER" = 1 ] || return 0
    # usermod leaves the group as it is.
    vendors=$(getent group "$(entry_field passwd "$1" 4)" | cut -d: -f1)
    case $vendors in '' | "$1" | users) ;; *) groupmod --new-name "$1" "$vendors" ;; esac
}

# User $1 has a home directory of its own, with what a new one has. usermod moves it last, useradd fills it last.
make_home() {
    number=$(entry_field passwd "$1" 3) home=$(entry_field passwd "$1" 6)
    case $home in /home/?*) ;; *) return 0 ;; esac
    if [ ! -d "$root$home" ]; then
        for old in "$root"/home/*; do
            if [ ! -d "$root$home" ] && [ "$(stat -c %u "$old" 2>/dev/null)" = "$number" ]; then
                mv "$old" "$root$home"
            fi
        done
        mkdir -p "$root$home"
    fi
    for file in "$root"/etc/skel/.[!.]*; do
        [ ! -f "$file" ] || [ -s "$root$home/${file##*/}" ] || cp "$file" "$root$home/${file##*/}"
    done
    if [ "$(stat -c %u "$root$home")" != "$number" ] || [ -n "$(find "$root$home" -maxdepth 1 -uid 0 2>/dev/null)" ]; then
        chown -R "$1:" "$root$home"
    fi
}

# User $1 has the password with hash $2; "*" is no password.
set_password() {
    case $2:$(entry_field shadow "$1" 2) in
    "*:!"* | "*:*") ;;
    "$2:$2") ;;
    *) printf '%s:%s\n' "$1" "$2" | chpasswd --encrypted ;;
    esac
}

# User $1 is in each of the groups $2...
join_groups() {
    name=$1
    shift
    for group; do
        case " $(id -nG "$name" 2>/dev/null) " in *" $group "*) continue ;; esac
        groupadd --force --system "$group" || return 1
        usermod --append --groups "$group" "$name" || return 1
    done
}

# User $1 can log in with each of the keys in file $2. sshd insists on the modes (sshd(8), FILES).
put_keys() {
    [ -s "$2" ] || return 0
    directory=$root$(entry_field passwd "$1" 6)/.ssh
    # Root does not follow a link of the user's.
    if [ -L "$directory" ] || [ -L "$directory/authorized_keys" ]; then return 1; fi
    missing=''
    while IFS= read -r key; do
        grep -qxF -- "$key" "$directory/authorized_keys" 2>/dev/null || missing=yes
    done <"$2"
    [ -n "$missing" ] || return 0
    mkdir -p "$directory" &&
        (umask 077 && { grep -vxF -f "$2" "$directory/authorized_keys" 2>/dev/null; cat "$2"; } >"$directory/piflash-new") &&
        mv -f "$directory/piflash-new" "$directory/authorized_keys" && chmod 700 "$directory" && chown -R "$1:" "$directory"
}

# sshd takes passwords, or does not: $1 is yes or no. The first value counts (sshd_config(5)).
set_password_login() {
    file=$root/etc/ssh/sshd_config
    [ -f "$file" ] || return 0
    mark='# piflash: the next line is its own'
    { printf '%s\nPasswordAuthentication %s\n' "$mark" "$1"; sed "/^$mark\$/,+1d" "$file"; } >"$file.piflash-new"
    if cmp -s "$file" "$file.piflash-new"; then
        rm -f "$file.piflash-new"
    else
        chmod 644 "$file.piflash-new" && mv -f "$file.piflash-new" "$file" && sshd_changed=yes
    fi
}
# shellcheck disable=SC2034 # for what starts sshd
sshd_changed=''

# The logins of vendors, which become the recipe's user. A rule that stays would make the next user of that name root.
vendors_logins='pi pirate hypriot ubuntu'

# Takes the lines that match the extended regular expression $1 out of sudo's files.
drop_rules() {
    for file in "$root/etc/sudoers" "$rules"/*; do
        if [ "$file" = "$rules/010_piflash" ] || ! grep -Eqs "$1" "$file"; then continue; fi
        grep -Ev "$1" "$file" >"$rules/.piflash-new"
        chmod 440 "$rules/.piflash-new" && mv -f "$rules/.piflash-new" "$file" || return 1
    done
}

# User $1 becomes root as $2 says: passwordless, password or none. The last rule that matches counts (sudoers(5)), so the
# other rules go that give or take this user everything: the vendors' own first boots write such rules. sudo ignores files
# with a dot in their names.
set_sudo() {
    rules=$root/etc/sudoers.d
    [ -d "$rules" ] || return 0
    case $2 in
    passwordless) rule='ALL=(ALL) NOPASSWD: ALL' others='(PASSWD:[[:blank:]]*ALL|!ALL)' ;;
    password) rule='ALL=(ALL:ALL) PASSWD: ALL' others='((NO)?PASSWD:)?[[:blank:]]*!?ALL' ;;
    *) rule='ALL=(ALL:ALL) !ALL' others='((NO)?PASSWD:)?[[:blank:]]*!?ALL' ;;
    esac
    drop_rules "^${1}[[:blank:]]+ALL[[:blank:]]*=[[:blank:]]*(\\([^)]*\\))?[[:blank:]]*${others}[[:blank:]]*\$" || return 1
    for login in $vendors_logins; do
        getent passwd "$login" >/dev/null || drop_rules "^${login}[[:blank:]].*ALL" || return 1
    done
    printf '%s %s\n' "$1" "$rule" >"$rules/.piflash-new" && chmod 440 "$rules/.piflash-new" &&
        mv -f "$rules/.piflash-new" "$rules/010_piflash" || return 1
    [ "$2" != passwordless ] || return 0
    # Vendors put their user into groups that are as good as root; the recipe may want that. sudo has a rule for a group, too,
    # and polkit takes its members for administrators.
    strong='docker lxd'
    [ "$2" = password ] || strong="$strong sudo admin wheel"
    for group in $strong; do
        case " ${ACCOUNT_GROUPS:-} ${DOCKER_USER:+docker} " in *" $group "*) continue ;; esac
        case " $(id -nG "$1" 2>/dev/null) " in
        *" $group "*) gpasswd --delete "$1" "$group" >/dev/null || return 1 ;;
        esac
    done
}
