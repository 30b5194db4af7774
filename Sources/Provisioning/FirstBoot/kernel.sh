# What Docker and the swarm's networks need of the kernel.
lacking=''

# Whether the kernel has $1, as a module or built in. Without a directory of modules for this kernel nobody can tell.
has_module() {
    [ -d "$root/lib/modules/$(uname -r)" ] && command -v modprobe >/dev/null 2>&1 || return 0
    modprobe -q "$1" >/dev/null 2>&1 || [ -d "$root/sys/module/$1" ]
}

needs_modules() { [ -n "$KERNEL_PACKAGE" ] && ! has_module vxlan; }

# Ubuntu's kernels for the Pi had vxlan only in a package of their own for some years.
install_modules() {
    tries=0
    while needs_modules; do
        status working "installing the kernel's modules" "$KERNEL_PACKAGE"
        prepare_archive
        if install_listed "$KERNEL_PACKAGE"; then
            # The package may be for a newer kernel, which the next boot starts.
            needs_modules || return 0
            last="it has no vxlan for the kernel $(uname -r): start the node again"
        fi
        tries=$((tries + 1))
        if [ -n "$permanent" ] || [ "$tries" -ge 3 ]; then
            lacking="$KERNEL_PACKAGE: $last"
            return 0
        fi
        back_off 15
    done
}

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
