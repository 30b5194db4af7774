# What Docker and the swarm's networks need of the kernel.
lacking=''

# Whether the kernel has $1, as a module or built in. Without a directory of modules for this kernel nobody can tell.
has_module() {
    [ -d "$root/lib/modules/$(uname -r)" ] && command -v modprobe >/dev/null 2>&1 || return 0
    modprobe -q "$1" >/dev/null 2>&1 || [ -d "$root/sys/module/$1" ]
}

needs_modules() { [ -n "$KERNEL_PACKAGE" ] && ! has_module vxlan; }

# Names what is missing, for the status. Docker says it only when a container needs it, and then not so plainly.
check_kernel() {
    [ "$SWARM" = 1 ] || return 0
    missing=''
    for module in overlay veth bridge br_netfilter nf_nat vxlan ip_vs; do
        has_module "$module" || missing="$missing${missing:+, }$module"
    done
    [ -n "$missing" ] || return 0
    lacking="the kernel has no $missing, so the swarm's networks do not work on this node${lacking:+; $lacking}"
    say "$lacking"
}
