# What the first manager makes in the swarm: networks and stacks. Each is tried by itself, and what fails is reported in the
# end and tried again at the next boot.
undeployed=''

# persist WHAT COMMAND...: runs a command until it succeeds, five times at most; a new swarm may need a moment. If it fails,
# its reason is added to what has not been deployed.
persist() {
    what=$1
    shift
    tries=0
    until "$@" >/dev/null 2>"$state/error" 9>&-; do
        tries=$((tries + 1))
        if [ "$tries" -ge 5 ]; then
            undeployed="${undeployed:+$undeployed; }$what: $(clean <"$state/error")"
            say "$what: $(clean <"$state/error")"
            return 1
        fi
        status working "making the $what" '' "$(clean <"$state/error")"
        pause "$((tries * 4))"
    done
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
        # shellcheck disable=SC2046 # options
        persist "network $name" docker network create --driver overlay \
            $(printf '%s' "${network#"$name"}" | tr ',' ' ') "$name"
    done
}

# stack_deploy NAME FILE: in a shell of its own, since the file with the values of the compose file's variables may set any.
stack_deploy() (
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
            persist "stack $name" stack_deploy "$name" "$compose" || continue
            keep "$stamp" "$stack"
        fi
        forget_secrets "$name"
    done
}
