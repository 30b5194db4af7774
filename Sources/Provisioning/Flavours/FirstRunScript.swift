import FoundationEssentials
import Recipes
import Systems
import Text

/// firstrun.sh, which systemd runs alone, before everything else, and then reboots.
///
/// systemd-run-generator makes a unit from the script. If it fails, the Pi switches off, by default and at every boot. So
/// the script first takes its own tokens out of the kernel command line, and it always exits with 0
/// (systemd-run-generator(8); systemd, src/core/emergency-action.c). It runs without a network and without other services.
///
/// For tests: PIFLASH_ROOT goes in front of every path.
struct FirstRunScript: Sendable {
    static let name = "firstrun.sh"

    /// In this order at the end of the line.
    static func kernelTokens(_ profile: OSProfile) -> [String] {
        [
            "systemd.run=\(profile.bootMountPoint)/\(name)", "systemd.run_success_action=reboot",
            "systemd.run_failure_action=reboot", "systemd.unit=kernel-command-line.target",
        ]
    }

    let text: String
    /// What it writes on the node.
    let files: [Provision.NodeFile]

    /// - Parameter keyfiles: whether Wi-Fi networks are NetworkManager's keyfiles; otherwise they are in the boot
    ///   partition's wpa_supplicant.conf.
    init(_ draft: Draft, keyfiles: Bool) {
        var files = draft.files
        if keyfiles { files += NetworkManagerKeyfile.files(draft) }
        if let keyboard = draft.node.locale.keyboard?.value {
            files.append(
                .init(path: KeyboardFile.path, contents: Array(KeyboardFile.text(keyboard).utf8), mode: 0o644))
        }
        if let language = draft.node.locale.lang?.value {
            files.append(
                .init(path: DefaultLocale.path, contents: Array(DefaultLocale.text(language).utf8), mode: 0o644))
        }
        if let user = draft.node.user {
            let text = SudoersFile.text(user.name.value)
            files.append(.init(path: SudoersFile.path, contents: Array(text.utf8), mode: SudoersFile.mode))
        }
        self.files = files

        var parts = [Self.head(draft)]
        parts += files.map(Self.put)
        parts.append(Self.identity(draft))
        if draft.node.user != nil { parts.append(Self.account(draft)) }
        if !keyfiles { parts.append(Self.dhcpcd(draft)) }
        parts.append(Self.tail)
        text = parts.joined(separator: "\n")
    }

    private static func head(_ draft: Draft) -> String {
        #"""
        #!/bin/bash
        # Sets up this node once. Written by piflash; systemd.run= in the kernel command line starts it.
        # Whatever goes wrong, it ends with 0 and does not run again: otherwise the Pi would switch itself off.
        set +e
        export LC_ALL=C
        root=${PIFLASH_ROOT:-}
        boot=$root\#(draft.profile.bootMountPoint)

        sed -i -e 's/ systemd\.run=[^ ]*//g' -e 's/ systemd\.run_success_action=[^ ]*//g' \
            -e 's/ systemd\.run_failure_action=[^ ]*//g' -e 's/ systemd\.unit=kernel-command-line\.target//g' \
            "$boot/cmdline.txt"
        sync
        mkdir -p "$boot/piflash"
        exec >"$boot/piflash/firstrun.log" 2>&1

        # A Pi has no clock: certificates and files would be of the year of the image.
        [ "$(date +%s)" -ge \#(draft.flashTime) ] || date -s @\#(draft.flashTime)

        # put MODE PATH: standard input, in base64, takes the place of the file.
        put() {
            mkdir -p "$root${2%/*}/" &&
                (umask 077 && base64 -d >"$root$2.piflash-new") &&
                chmod "$1" "$root$2.piflash-new" &&
                mv -f "$root$2.piflash-new" "$root$2"
        }

        """#
    }

    private static func put(_ file: Provision.NodeFile) -> String {
        let octal = String(file.mode, radix: 8)
        let lines = encoded(file.contents)
        return "put \(octal) \(shellQuoted(file.path)) <<'END'\n" + (lines.isEmpty ? "" : lines + "\n") + "END\n"
    }

    /// In base64, in lines of 100 digits, as in the script.
    static func encoded(_ contents: [UInt8]) -> String {
        var lines: [Substring] = []
        var rest = Data(contents).base64EncodedString()[...]
        while !rest.isEmpty {
            lines.append(rest.prefix(100))
            rest = rest.dropFirst(100)
        }
        return lines.joined(separator: "\n")
    }

    private static func identity(_ draft: Draft) -> String {
        var text = #"""
            echo '\#(draft.node.hostname.value)' >"$root/etc/hostname"
            if grep -q '^127\.0\.1\.1' "$root/etc/hosts"; then
                sed -i 's/^127\.0\.1\.1.*/127.0.1.1\t\#(draft.node.hostname.value)/' "$root/etc/hosts"
            else
                printf '127.0.1.1\t%s\n' '\#(draft.node.hostname.value)' >>"$root/etc/hosts"
            fi

            """#
        if let zone = draft.node.locale.timezone?.value {
            text += #"""
                echo '\#(zone)' >"$root/etc/timezone"
                ln -sf '/usr/share/zoneinfo/\#(zone)' "$root/etc/localtime"

                """#
        }
        if let language = draft.node.locale.lang?.value, let line = LocaleGen.line(for: language) {
            text += #"""
                grep -qxF '\#(line)' "$root\#(LocaleGen.path)" || echo '\#(line)' >>"$root\#(LocaleGen.path)"

                """#
        }
        return text
    }

    /// Renames the image's first user to the recipe's, as the vendor's own tools do.
    private static func account(_ draft: Draft) -> String {
        guard let user = draft.node.user else { return "" }
        var text = #"""
            name='\#(user.name.value)'
            old=$(getent passwd 1000 | cut -d: -f1)
            if ! getent passwd "$name" >/dev/null; then
                if [ -n "$old" ]; then
                    usermod --login "$name" --home "/home/$name" --move-home "$old" && groupmod --new-name "$name" "$old"
                else
                    useradd --create-home --shell /bin/bash "$name"
                fi
            fi
            printf '%s:%s\n' "$name" \#(shellQuoted(draft.material.passwordHash ?? "*")) | chpasswd --encrypted

            """#
        for group in user.groups.map(\.value) {
            text += #"""
                groupadd --force --system '\#(group)'
                usermod --append --groups '\#(group)' "$name"

                """#
        }
        if !draft.material.authorizedKeys.isEmpty {
            text += #"""
                home=$(getent passwd "$name" | cut -d: -f6)
                mkdir -p "$root$home/.ssh"
                cat >"$root$home/.ssh/authorized_keys" <<'END'
                \#(draft.material.authorizedKeys.joined(separator: "\n"))
                END
                chmod 700 "$root$home/.ssh"
                chmod 600 "$root$home/.ssh/authorized_keys"
                chown -R "$name:" "$root$home/.ssh"

                """#
        }
        return text + #"""
            sed -i '/^\#(SSHDConfiguration.mark)$/,+1d' "$root\#(SSHDConfiguration.path)"
            sed -i '1i \#(SSHDConfiguration.mark)\n\#(SSHDConfiguration.line(allowsPasswords: draft.allowsPasswordLogin))' \
                "$root\#(SSHDConfiguration.path)"

            """#
    }

    private static func dhcpcd(_ draft: Draft) -> String {
        let block = DHCPCDConfiguration.block(draft)
        return #"""
            if [ -f "$root\#(DHCPCDConfiguration.path)" ]; then
                sed -i '/^\#(DHCPCDConfiguration.begin)$/,/^\#(DHCPCDConfiguration.end)$/d' "$root\#(DHCPCDConfiguration.path)"

            """#
                + (block.isEmpty
                    ? "fi\n"
                    : "    cat >>\"$root\(DHCPCDConfiguration.path)\" <<'END'\n\(block.joined(separator: "\n"))\nEND\nfi\n")
    }

    private static let tail = #"""
        systemctl enable ssh.service
        mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
        ln -sf \#(FirstBootUnit.path) "$root/etc/systemd/system/multi-user.target.wants/\#(FirstBootUnit.name)"

        # It holds hashes and keys, and has done its work.
        rm -f "$boot/\#(name)"
        sync
        exit 0

        """#
}
