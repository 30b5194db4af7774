import FoundationEssentials
import Recipes
import Text

/// A `#cloud-config` document, and the parts of it that all flavours share.
/// <https://docs.cloud-init.io/en/latest/reference/modules.html>
struct CloudConfig: Sendable {
    var entries: [YAML.Entry] = []
    var commands: [YAML] = []
    /// What runs early at every boot.
    private var bootCommands: [YAML] = []

    /// The file: cloud-init recognises it by its first line, and ignores all of it if anything comes before that line.
    var contents: [UInt8] {
        var all = entries
        if !bootCommands.isEmpty { all.append(.init("bootcmd", .list(bootCommands))) }
        if !commands.isEmpty { all.append(.init("runcmd", .list(commands))) }
        return Array(("#cloud-config\n" + YAML.map(all).document).utf8)
    }

    mutating func set(_ key: String, _ value: YAML) { entries.append(.init(key, value)) }

    mutating func set(_ key: String, _ text: String?) {
        if let text { set(key, .text(text)) }
    }

    /// A command without a shell.
    mutating func run(_ words: String...) { commands.append(.words(words)) }

    mutating func run(shell line: String) { commands.append(.words(["sh", "-c", line])) }

    /// Host name, time zone and locale. cloud-init sets the host name again at every boot.
    mutating func setIdentity(_ node: Node) {
        set("hostname", node.hostname.value)
        set("manage_etc_hosts", .flag(true))
        set("timezone", node.locale.timezone?.value)
        set("locale", node.locale.lang?.value)
    }

    /// Lists the locale among those that Debian's locale-gen makes: cloud-init calls it with the locale's name, which only
    /// Ubuntu's looks at. bootcmd runs before that, at every boot.
    mutating func offerLocale(_ node: Node) {
        guard let lang = node.locale.lang?.value, let entry = LocaleGen.line(for: lang) else { return }
        let line = shellQuoted(entry)
        let command = "grep -qxF \(line) \(LocaleGen.path) || echo \(line) >>\(LocaleGen.path)"
        bootCommands.append(.words(["sh", "-c", command]))
    }

    /// Makes the first boot one that can be cut short at any point. cloud-init notes that a module has begun, and never
    /// runs that one again for the same instance; nor does it set up the network again for an instance that it knows, and
    /// a power cut leaves its files empty. So it forgets both, until the first-boot program says that everything is on the
    /// card. All parts of user-data can run twice.
    mutating func repeatUntilSeeded() {
        let command =
            "[ \"$(cat \(FirstBootProgram.seededPath) 2>/dev/null)\" = \"$INSTANCE_ID\" ] || "
            + "rm -f /var/lib/cloud/instance/sem/config_* /var/lib/cloud/data/instance-id"
        bootCommands.append(.words(["sh", "-c", command]))
    }

    /// The part of a user's entry that has to do with logging in. `passwd` counts for a new user only, `hashed_passwd` for
    /// one that exists too; releases before 0.7.7 know only the first. Without a hash the password stays locked until the
    /// first-boot program sets it.
    static func login(_ draft: Draft) -> [YAML.Entry] {
        let material = draft.material
        let sudo = draft.node.user?.sudoMode ?? .passwordless
        var entries: [YAML.Entry] = [
            .init("shell", .text("/bin/bash")),
            // A rule also for a user without sudo: `false` is refused by some releases, and without the key the image's
            // default user has its own rule. This file's rules come last, and the last one counts.
            .init("sudo", .text(sudo == .passwordless ? "ALL=(ALL) NOPASSWD:ALL" : SudoersFile.rule(sudo))),
            .init("lock_passwd", .flag(draft.seededPasswordHash == nil)),
        ]
        if let hash = draft.seededPasswordHash {
            entries += [.init("passwd", .text(hash)), .init("hashed_passwd", .text(hash))]
        }
        if !material.authorizedKeys.isEmpty {
            // The spelling with hyphens is older, and new releases refuse it.
            entries.append(.init("ssh_authorized_keys", .list(material.authorizedKeys.map { .text($0) })))
        }
        return entries
    }

    /// Adds the user to groups beyond those that the image gives. A `groups` key would replace the image's (see
    /// cloudinit/distros/ug_util.py), and is ignored if the user exists.
    mutating func addGroups(_ groups: [String], to user: String) {
        guard !groups.isEmpty else { return }
        for group in groups { run("groupadd", "--force", "--system", group) }
        run("usermod", "--append", "--groups", groups.joined(separator: ","), user)
    }

    /// write_files runs before users are made: all belongs to root.
    mutating func write(_ files: [Provision.NodeFile]) {
        set("write_files", .list(files.map(Self.entry)))
    }

    private static func entry(_ file: Provision.NodeFile) -> YAML {
        let octal = String(file.mode, radix: 8)
        var entries: [YAML.Entry] = [
            .init("path", .text(file.path)), .init("owner", .text("root:root")),
            .init("permissions", .text(String(repeating: "0", count: max(0, 4 - octal.count)) + octal)),
        ]
        if let text = readable(file.contents) {
            entries.append(.init("content", .text(text)))
        } else {
            entries.append(.init("encoding", .text("b64")))
            entries.append(.init("content", .text(base64(file.contents))))
        }
        return .map(entries)
    }

    /// The text of a short file that stays readable in quotes. A longer text on one line is not readable, so it goes in
    /// base64, which keeps every byte for sure.
    private static func readable(_ contents: [UInt8]) -> String? {
        guard contents.count <= 1024 else { return nil }
        let plain = contents.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x0A || $0 == 0x09 }
        return plain ? String(decoding: contents, as: UTF8.self) : nil
    }

    static func base64(_ contents: [UInt8]) -> String { Data(contents).base64EncodedString() }

    /// Starts the first-boot program without waiting for it: it may have to wait for the swarm's manager.
    mutating func startProgram() {
        run("systemctl", "daemon-reload")
        run("mkdir", "-p", FirstBootProgram.runDirectory)
        run("touch", FirstBootProgram.seedEndPath)
        run("systemctl", "enable", FirstBootUnit.name)
        // On a card that is configured again the program of this boot may already be running, with the old settings.
        run("systemctl", "restart", "--no-block", FirstBootUnit.name)
    }
}
