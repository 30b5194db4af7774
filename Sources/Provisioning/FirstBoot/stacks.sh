# What the first manager makes in the swarm: networks and stacks. Each is tried by itself, and what fails is reported in the
# end and tried again at the next boot.
undeployed=''

# again WHAT: whether what has just failed is tried again, five times at most: a new swarm may need a moment. The last time
# its reason is added to what has not been deployed.
again() {
    tries=$((tries + 1))
    if [ "$tries" -lt 5 ]; then
        status working "making the $1" '' "$(clean <"$state/error")"
        pause "$((tries * 4))"
        return 0
    fi
    undeployed="${undeployed:+$undeployed; }$1: $(clean <"$state/error")"
    say "$1: $(clean <"$state/error")"
    return 1
}

# NETWORKS holds NAME,OPTION,... of each. A network of that name that is there already stays as it is.
make_networks() {
    for network in $NETWORKS; do
        name=${network%%,*}
        case $(docker network inspect -f '{{.Scope}}' "$name" 2>/dev/null) in
        swarm) continue ;;
        local)
            undeployed="${undeployed:+$undeployed; }network $name: this node has one of this name outside the swarm"
            continue
            ;;
        esac
        status working "making the network $name"
        options=$(printf '%s' "${network#"$name"}" | tr ',' ' ')
        tries=0
        # shellcheck disable=SC2086 # words
        until docker network create --driver overlay $options "$name" >/dev/null 2>"$state/error" 9>&-; do
            again "network $name" || break
        done
    done
}

# send_stack NAME FILE: in a shell of its own, since the file with the values of the compose file's variables may set any.
send_stack() (
    set -- docker stack deploy --compose-file "$2" "$1"
    # shellcheck source=/dev/null
    [ ! -f "$values" ] || . "$values"
    exec "$@"
)

# Docker has what is in a stack's secrets and variables: their files are not needed any more.
forget_secrets() {
    directory=$root/etc/piflash/stack.d/$1
    shred_file "$directory.env"
    [ -f "$directory.secrets" ] || return 0
    while read -r file; do shred_file "$directory/$file"; done <"$directory.secrets"
}

# STACKS holds NAME:DIGEST of each: a stack is deployed again when anything of it has changed.
deploy_stacks() {
    for stack in $STACKS; do
        name=${stack%%:*}
        stamp=$state/done/stack-$name
        if [ "$(cat "$stamp" 2>/dev/null)" != "$stack" ]; then
            status working "deploying the stack $name"
            values=$root/etc/piflash/stack.d/$name.env
            compose=$root/etc/piflash/stack.d/$name/.piflash-stack.yml
            [ -f "$compose" ] || compose=$root/etc/piflash/stacks/$name.yml
            tries=0
            until send_stack "$name" "$compose" >/dev/null 2>"$state/error" 9>&-; do
                again "stack $name" || continue 2
            done
            keep "$stamp" "$stack"
        fi
        forget_secrets "$name"
    done
}
