/// The systemd unit that runs the first-boot program at every boot.
enum FirstBootUnit {
    static let name = "piflash-first-boot.service"
    static let path = "/etc/systemd/system/piflash-first-boot.service"

    /// The unit is simple, not oneshot: multi-user.target does not wait for it, nor does cloud-final, which waits for that.
    /// cloud-init's network stage comes first, since it writes the program and the settings; it has had two names. What
    /// makes sshd's keys comes first, too, since the program makes them if they are missing.
    static let text = """
        [Unit]
        Description=Finish the first boot of this node (piflash)
        Documentation=file:/usr/local/lib/piflash/first-boot
        Wants=network-online.target
        After=network-online.target docker.service cloud-init.service cloud-init-network.service
        After=ssh.service regenerate_ssh_host_keys.service
        ConditionPathExists=/usr/local/lib/piflash/first-boot

        [Service]
        Type=simple
        ExecStart=/bin/sh /usr/local/lib/piflash/first-boot

        [Install]
        WantedBy=multi-user.target

        """
}
