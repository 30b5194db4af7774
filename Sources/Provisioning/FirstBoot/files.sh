# The recipe's files that belong to somebody else than root, or are below a home. They wait in /etc/piflash/files.d until the
# owner and the home are there.
staged=$root/etc/piflash/files.d
tab=$(printf '\t')

# The number of user $1, a name or a number; empty if there is no such user.
user_number() {
    case $1 in
    *[!0-9]*) entry_field passwd "$1" 3 ;;
    *) printf '%s\n' "$1" ;;
    esac
}

# The number of group $2, a name or a number, or of user $1's own group if $2 is "-".
group_number() {
    case $2 in
    -)
        number=$(entry_field passwd "$1" 4)
        printf '%s\n' "${number:-0}"
        ;;
    *[!0-9]*) entry_field group "$2" 3 ;;
    *) printf '%s\n' "$2" ;;
    esac
}

# Makes directory $1 the current one; $2 is the home that it is in, if it is in one. Missing directories below the home
# belong to its user, others to root. Root stays in the directory that it has looked at, whatever a user moves meanwhile, and
# follows no link of a user's that leads out of the home. Prints what is wrong, and fails then.
enter_directory() {
    cd -P "$root/" || return 1
    rest=${1#/} walked='' place=''
    while [ -n "$rest" ]; do
        part=${rest%%/*}
        case $rest in
        */*) rest=${rest#*/} ;;
        *) rest='' ;;
        esac
        walked=$walked/$part before=$(pwd -P) made='' linker=''
        if [ -L "./$part" ]; then
            linker=$(stat -c %u "./$part")
        elif [ ! -e "./$part" ]; then
            if [ "$walked" = "$2" ]; then
                printf 'there is no home directory %s\n' "$2"
                return 1
            fi
            mkdir "./$part" || return 1
            made=yes
        fi
        if ! cd -P "./$part" 2>/dev/null; then
            printf '%s is not a directory\n' "$walked"
            return 1
        fi
        now=$(pwd -P)
        [ "$walked" != "$2" ] || place=$now
        if [ "$now" != "${before%/}/$part" ]; then
            case ${place:+in}:$linker:$now/ in
            in:*:"$place"/*) ;;
            in:*)
                printf '%s leads out of %s\n' "$walked" "$2"
                return 1
                ;;
            :0:*) ;;
            *)
                printf '%s is a link of a user\n' "$walked"
                return 1
                ;;
            esac
        fi
        if [ -n "$made" ] && [ -n "$place" ]; then
            chown "$(stat -c %u:%g "$place")" . || return 1
            case $part in .ssh | .gnupg) chmod 700 . ;; esac
        fi
    done
}

# Installs staged file $1 for owner $2 and group $3, with mode $4, at path $5. It is made ready where only root gets, and then
# takes its place in one step. Prints what is wrong, and fails then. In a process of its own, since it changes the directory.
install_file() (
    owner=$(user_number "$2") group=$(group_number "$2" "$3") name=${5##*/} home=''
    if [ -z "$owner" ]; then
        printf 'there is no user %s\n' "$2"
        return 1
    fi
    if [ -z "$group" ]; then
        printf 'there is no group %s\n' "$3"
        return 1
    fi
    case $5 in /home/*/*)
        home=${5#/home/}
        home=/home/${home%%/*}
        ;;
    esac
    enter_directory "${5%/*}" "$home" || return 1
    if [ -d "./$name" ] && [ ! -L "./$name" ]; then
        printf '%s is a directory\n' "$5"
        return 1
    fi
    ready=$state/file.new
    rm -f "$ready"
    cat "$staged/$1" >"$ready" && chown "$owner:$group" "$ready" && chmod "$4" "$ready" && flush "$ready" &&
        mv -fT "$ready" "./$name" && flush .
)

# What could not be installed at an earlier boot: a disk may be mounted now, a user may be there.
retry_files() {
    case $(cat "$state/finished-problem" 2>/dev/null) in
    first_boot.files:*) ;;
    *) return 0 ;;
    esac
    problem=''
    install_files last
    [ "$(cat "$state/finished-problem")" != "$problem" ] || return 0
    keep "$state/finished-problem" "$problem"
    status 'done' finished '' "$problem"
}

# Installs what is not installed yet and what the recipe has changed since: what a person changes later stays. At the last
# call ($1 is "last") it is a problem if a user or group is missing.
install_files() {
    if [ -z "$FILES" ]; then
        rm -rf "$staged"
        return 0
    fi
    chmod 700 "$staged"
    names=' '
    while IFS=$tab read -r file owner group mode path; do
        names="$names$file "
        stamp=$state/done/file-${file%-*}
        [ "$(cat "$stamp" 2>/dev/null)" != "$file" ] || continue
        if reason=$(install_file "$file" "$owner" "$group" "$mode" "$path" 2>&1); then
            keep "$stamp" "$file"
        elif [ "${1:-}" = last ]; then
            problem="first_boot.files: $path: $(printf '%s\n' "${reason:-it cannot be written}" | clean)"
            say "$problem"
        fi
    done <"$root/etc/piflash/files"
    # Those of an earlier recipe.
    for file in "$staged"/*; do
        case $names in *" ${file##*/} "*) ;; *) rm -f "$file" ;; esac
    done
}
