import Systems
import Text
import Diagnostics
import Filesystems
import Recipes

/// What a flavour lays down in the root partition because its own first boot cannot: a list of edits, built up from the
/// root partition as it is, so that editing a card twice gives what editing it once does.
struct RootSetup: Sendable {
    let draft: Draft
    let root: RootSnapshot
    private(set) var edits: [RootEdit] = []

    init(_ draft: Draft, root: RootSnapshot) {
        self.draft = draft
        self.root = root
    }

    /// A file with these contents; mode and owner stay those of the file that it replaces, when there is one.
    mutating func put(_ text: String, at path: String, mode: UInt16 = 0o644) {
        put(Array(text.utf8), at: path, mode: mode)
    }

    mutating func put(_ contents: [UInt8], at path: String, mode: UInt16 = 0o644) {
        if let entry = root.entries[path], case .file = entry.kind {
            append(
                RootEdit(.file(contents: contents, mode: entry.mode), at: path, user: entry.user, group: entry.group))
        } else {
            append(RootEdit(.file(contents: contents, mode: mode), at: path))
        }
    }

    /// A file of ours, with our mode.
    mutating func put(_ file: Provision.NodeFile) {
        append(RootEdit(.file(contents: file.contents, mode: file.mode), at: file.path))
    }

    mutating func link(_ path: String, to target: String) {
        append(RootEdit(.symbolicLink(target: target), at: path))
    }

    mutating func append(_ edit: RootEdit) { edits.append(edit) }

    // MARK: Small settings

    /// /etc/hostname, and the name's line in /etc/hosts.
    mutating func setHostname() {
        let name = draft.node.hostname.value
        put(name + "\n", at: "/etc/hostname")
        var lines = (root.text("/etc/hosts") ?? "127.0.0.1\tlocalhost\n")
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        let line = "127.0.1.1\t\(name)"
        // Debian's own convention for a host without a permanent address (Debian reference, 5.1.1).
        if let index = lines.firstIndex(where: { $0.hasPrefix("127.0.1.1") }) {
            lines[index] = line
        } else {
            lines.insert(line, at: min(1, lines.count))
        }
        put(lines.map { $0 + "\n" }.joined(), at: "/etc/hosts")
    }

    /// Time zone, language and keyboard.
    mutating func setLocale() {
        setTimezone()
        setLanguage()
        setKeyboard()
    }

    /// What no vendor's first boot takes: Docker's configuration, the clock, our own program.
    mutating func setFirstBoot() {
        setDocker()
        setClock()
        setProgram()
    }

    mutating func setTimezone() {
        guard let zone = draft.node.locale.timezone?.value else { return }
        put(zone + "\n", at: "/etc/timezone")
        link("/etc/localtime", to: "/usr/share/zoneinfo/\(zone)")
    }

    /// The first-boot program has the locale made: only the node itself can run locale-gen.
    mutating func setLanguage() {
        guard let language = draft.node.locale.lang?.value else { return }
        put("LANG=\(language)\n", at: "/etc/default/locale")
        if let text = root.text("/etc/locale.gen"), let line = LocaleGen.line(for: language) {
            put(LocaleGen.edited(text, adding: line), at: "/etc/locale.gen")
        }
    }

    mutating func setKeyboard() {
        if let keyboard = draft.node.locale.keyboard?.value { put(KeyboardFile.text(keyboard), at: KeyboardFile.path) }
    }

    // MARK: Docker

    /// The options in /etc/default/docker, for an engine that reads no daemon.json; that one is among the files of
    /// ``setProgram()``.
    mutating func setDocker() {
        if let options = draft.dockerOptions {
            put(options.edited(root.text(DockerOptions.path)), at: DockerOptions.path)
        }
    }

    // MARK: The clock

    /// A Pi has no clock: at its first start it goes on from the time that these files tell.
    mutating func setClock() {
        let time = draft.flashTime
        if let text = root.text("/etc/fake-hwclock.data"), (UTCTime(plain: text)?.seconds ?? 0) < time {
            put(UTCTime(seconds: time).plain + "\n", at: "/etc/fake-hwclock.data")
        }
        let daemons = ["/lib/systemd/systemd-timesyncd", "/usr/lib/systemd/systemd-timesyncd"]
        guard daemons.contains(where: root.has) else { return }
        // systemd-timesyncd.service(8): the file's time of modification counts, not what is in it. Before systemd 229
        // it stood one directory higher.
        let directory = "/var/lib/systemd/timesync"
        let path = root.has("/var/lib/systemd/clock") ? "/var/lib/systemd/clock" : "\(directory)/clock"
        guard (root.entries[path]?.modified ?? 0) < time else { return }
        let owner = AccountFiles(root, time: time)?.account(named: "systemd-timesync")
        let entry = root.entries[path] ?? root.entries[directory]
        let user = entry?.user ?? owner?.user ?? 0
        let group = entry?.group ?? owner?.group ?? 0
        if path.hasPrefix(directory), !root.has(directory) {
            append(RootEdit(.directory(mode: 0o755), at: directory, user: user, group: group))
        }
        append(
            RootEdit(
                .file(contents: [], mode: root.entries[path]?.mode ?? 0o644), at: path, user: user, group: group,
                modified: time))
    }

    // MARK: What the first boot runs

    /// The recipe's files, the first-boot program with its settings, and what starts it.
    mutating func setProgram() {
        for file in draft.files where file.path != FirstBootUnit.path { put(file) }
        switch draft.profile.initSystem?.kind {
        case .sysvinit:
            put(Provision.NodeFile(path: FirstBootScript.path, contents: Array(FirstBootScript.text.utf8), mode: 0o755))
            // The last place: all other services are started.
            start(FirstBootScript.name, place: "99")
        default:
            put(Provision.NodeFile(path: FirstBootUnit.path, contents: Array(FirstBootUnit.text.utf8), mode: 0o644))
            link("/etc/systemd/system/multi-user.target.wants/\(FirstBootUnit.name)", to: FirstBootUnit.path)
        }
    }
}
