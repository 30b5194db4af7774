# Images that the card carries, made by docker save.
images=$root/var/cache/piflash/images
unloaded=''

# Each once: then its archive is deleted. An archive that does not load stays, and the next boot tries again.
load_images() {
    unloaded=''
    for name in $PRELOAD; do
        archive=$images/$name
        if is_taken "${name%%-*}"; then
            rm -f "$archive"
            continue
        fi
        if [ ! -f "$archive" ]; then
            unloaded="docker.preload: ${name#*-} is not on the card"
            continue
        fi
        status working "loading the images of ${name#*-}"
        if docker load -i "$archive" >/dev/null 2>"$state/error"; then
            take "${name%%-*}"
            rm -f "$archive"
        else
            unloaded="docker.preload: ${name#*-}: $(clean <"$state/error")"
            say "$unloaded"
        fi
    done
}

# Carried files need no network, so this does not wait for one.
use_carried() {
    [ -n "$DEBS$PRELOAD" ] || return 0
    install_carried || say "$problem"
    has_docker || return 0
    [ -n "$PRELOAD" ] || return 0
    configure_docker
    if wait_for_docker; then load_images; fi
}
