/// The sysvinit script that runs the first-boot program at every boot, on systems without systemd.
enum FirstBootScript {
    static let name = "piflash-first-boot"
    static let path = "/etc/init.d/piflash-first-boot"

    /// The program goes into the background: it may have to wait for a network, and the boot must not.
    static let text = """
        #!/bin/sh
        ### BEGIN INIT INFO
        # Provides:          piflash-first-boot
        # Required-Start:    $remote_fs $syslog
        # Required-Stop:
        # Should-Start:      $network $time docker ssh
        # Default-Start:     2 3 4 5
        # Default-Stop:
        # Short-Description: Finish the first boot of this node (piflash)
        ### END INIT INFO

        program=/usr/local/lib/piflash/first-boot
        log=/var/log/piflash-first-boot.log

        case ${1:-} in
        start | restart | force-reload)
            [ -r "$program" ] || exit 0
            umask 077
            setsid /bin/sh "$program" </dev/null >>"$log" 2>&1 &
            ;;
        stop) ;;
        status) cat /boot/piflash/status.txt ;;
        *)
            echo "usage: $0 start|stop|restart|status" >&2
            exit 2
            ;;
        esac
        exit 0

        """
}
