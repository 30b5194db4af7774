import Filesystems
import FoundationEssentials
import Recipes
import Systems
import Text

/// firstrun.sh, which systemd runs alone, before everything else, and then reboots.
///
/// systemd-run-generator makes a unit from the script. If it fails, the Pi switches off, by default and at every boot. So
/// it always exits with 0 (systemd-run-generator(8); systemd, src/core/emergency-action.c), takes its own tokens out of
/// the kernel command line at the end, and does so, too, if it has been cut short three times. It runs without a network and without other services.
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
    /// What it finds in the root partition.
    let edits: [TreeChange]

    /// Where the Wi-Fi networks are.
    enum WiFi {
        /// NetworkManager's keyfiles, which the script writes, or which are in the root partition already.
        case keyfiles
        /// wpa_supplicant.conf, likewise.
        case wpaSupplicant
        /// wpa_supplicant.conf of the boot partition, which the system takes from there.
        case bootPartition
    }

    init(_ draft: Draft, wifi: WiFi) {
        var files = draft.files
        switch wifi {
        case .keyfiles: files += NetworkManagerKeyfile.files(draft)
        case .wpaSupplicant where draft.hasWiFi:
            let contents = WPASupplicant.contents(draft.material.accessPoints, country: draft.country)
            files.append(.init(path: WPASupplicant.path, contents: contents, mode: 0o600))
        case .wpaSupplicant, .bootPartition: break
        }
        if let keyboard = draft.node.locale.keyboard?.value {
            files.append(
                .init(path: KeyboardFile.path, contents: Array(KeyboardFile.text(keyboard).utf8), mode: 0o644))
        }
        if let language = draft.node.locale.lang?.value {
            files.append(
                .init(
                    path: DefaultLocale.path(draft.profile), contents: Array(DefaultLocale.text(language).utf8),
                    mode: 0o644))
        }
        if let user = draft.node.user {
            let text = SudoersFile.text(user.name.value, user.sudoMode)
            files.append(.init(path: SudoersFile.path, contents: Array(text.utf8), mode: SudoersFile.mode))
        }
        edits = draft.written(files)
        files = draft.seeded(files)
        self.files = files

        var parts = [Self.head(draft)]
        parts += files.map(Self.put)
        parts.append(Self.identity(draft))
        if draft.node.user != nil { parts.append(Self.account(draft)) }
        if wifi != .keyfiles { parts.append(Self.dhcpcd(draft)) }
        parts.append(Self.tail)
        text = parts.joined(separator: "\n")
    }

    /// The count of the script's tries, on the boot partition. The card has it from the start, so that a card that is
    /// configured again starts at 0.
    static let triesPath = "firstrun.tries"
    static let tries = Provision.BootFile(path: triesPath, contents: Array("0\n".utf8), isConsumed: true)

    private static func head(_ draft: Draft) -> String {
        var text = #"""
            #!/bin/bash
            # Sets up this node once. Written by piflash; systemd.run= in the kernel command line starts it.
            # Whatever goes wrong, it ends with 0: otherwise the Pi would switch itself off. Its words in the command line go
            # last: if the power fails before that, it starts again at the next boot, three times in all.
            set +e
            export LC_ALL=C
            root=${PIFLASH_ROOT:-}
            boot=$root\#(draft.profile.bootMountPoint)
            tries=$boot/\#(triesPath)
            TAKEOVER=1

            # report STATE LAST-ERROR, for piflash and for whoever looks at the card.
            report() {
                printf 'node: %s\nstate: %s\nstep: setting up the system (firstrun.sh)\nlast error: %s\n' \
                    '\#(draft.node.hostname.value)' "$1" "$2" >"$boot/piflash/status.txt"
                sync
            }

            # Takes this script out of the kernel command line. A FAT cannot replace a file in one step, so the line is
            # overwritten in its place, which is one sector, with blanks at its end; then the file gets shorter.
            finish() {
                line=$(sed -e 's/ systemd\.run=[^ ]*//g' -e 's/ systemd\.run_success_action=[^ ]*//g' \
                    -e 's/ systemd\.run_failure_action=[^ ]*//g' -e 's/ systemd\.unit=kernel-command-line\.target//g' \
                    "$boot/cmdline.txt") && size=$(wc -c <"$boot/cmdline.txt") && [ -n "$line" ] &&
                    printf '%s%*s\n' "$line" "$((size - ${#line} - 1))" '' | dd of="$boot/cmdline.txt" conv=notrunc 2>/dev/null &&
                    sync && echo "$line" | dd of="$boot/cmdline.txt" conv=notrunc 2>/dev/null &&
                    dd if=/dev/null of="$boot/cmdline.txt" bs=1 seek="$((${#line} + 1))" 2>/dev/null
                sync
                # Only now, since systemd would look for the script at each boot. It holds hashes and keys.
                [ "$(cat "$tries" 2>/dev/null)" != through ] || rm -f "$boot/\#(name)" "$tries"
                sync
                exit 0
            }

            # put MODE PATH: standard input, in base64, takes the place of the file.
            put() {
                mkdir -p "$root${2%/*}/" &&
                    (umask 077 && base64 -d >"$root$2.piflash-new") &&
                    chmod "$1" "$root$2.piflash-new" &&
                    mv -f "$root$2.piflash-new" "$root$2"
            }


            """#
        text +=
            FirstBootProgram.account.text + #"""

                mkdir -p "$boot/piflash"
                count=$(cat "$tries" 2>/dev/null)
                [ "$count" != through ] || finish

                """#
        if draft.node.user != nil {
            text += #"""
                # Its password is published. The user of the recipe opens it again.
                vendors=$(entry_field passwd 1000 1)
                [ -z "$vendors" ] || usermod --lock "$vendors"

                """#
        }
        return text + #"""
            case $count in
            3)
                report failed 'it was cut short three times; configure the card again'
                finish
                ;;
            1 | 2) ;;
            *) count=0 ;;
            esac
            count=$((count + 1))
            echo "$count" >"$tries"
            report working "try $count of 3"
            exec >"$boot/piflash/firstrun.log" 2>&1

            # A Pi has no clock: certificates and files would be of the year of the image.
            [ "$(date +%s)" -ge \#(draft.flashTime) ] || date -s @\#(draft.flashTime)

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

    /// By the functions of ``FirstBootProgram/account``.
    private static func account(_ draft: Draft) -> String {
        guard let user = draft.node.user else { return "" }
        let groups = user.groups.map { " " + shellQuoted($0.value) }.joined()
        return #"""
            name='\#(user.name.value)'
            make_user "$name"
            make_home "$name"
            # In a shell of its own: the file has other values, too.
            # shellcheck disable=SC1090,SC1091 # the node's file
            set_password "$name" "$(. "$root\#(FirstBootProgram.settingsPath)" && printf '%s' "$PASSWORD_HASH")"
            join_groups "$name"\#(groups)
            put_keys "$name" "$root\#(FirstBootProgram.keysPath)"
            set_password_login \#(draft.allowsPasswordLogin ? "yes" : "no")
            set_sudo "$name" \#(user.sudoMode.rawValue)

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

        # All of it has to be on the card before the card says so. If it is not, this starts again.
        sync -f "$root/" || exit 0
        echo through >"$tries"
        sync
        finish

        """#
}
