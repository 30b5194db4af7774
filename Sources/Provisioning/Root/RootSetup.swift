import Diagnostics
import Filesystems
import Recipes
import Systems
import Text

/// What a flavour writes to the root partition because its own first boot cannot do it: a list of edits, made from the root
/// partition as it is, so that editing a card twice gives the same as editing it once.
struct RootSetup: Sendable {
    let draft: Draft
    let root: RootSnapshot
    private(set) var edits: [TreeChange] = []

    init(_ draft: Draft, root: RootSnapshot) {
        self.draft = draft
        self.root = root
    }

    /// A file with these contents; if it replaces one, mode and owner stay the same.
    mutating func put(_ text: String, at path: String, mode: UInt16 = 0o644) {
        put(Array(text.utf8), at: path, mode: mode)
    }

    mutating func put(_ contents: [UInt8], at path: String, mode: UInt16 = 0o644) {
        if let entry = root.entry(path), case .file = entry.kind {
            append(
                TreeChange(.file(contents: contents, mode: entry.mode), at: path, user: entry.user, group: entry.group))
        } else {
            append(TreeChange(.file(contents: contents, mode: mode), at: path))
        }
    }

    /// A file that only piflash writes, with its mode.
    mutating func put(_ file: Provision.NodeFile) {
        append(TreeChange(.file(contents: file.contents, mode: file.mode), at: file.path))
    }

    mutating func link(_ path: String, to target: String) {
        append(TreeChange(.symbolicLink(target: target), at: path))
    }

    mutating func append(_ edit: TreeChange) { edits.append(edit) }

    // MARK: Small settings

    /// /etc/hostname, and the name's line in /etc/hosts.
    mutating func setHostname() {
        let name = draft.node.hostname.value
        put(name + "\n", at: RootPath.hostname)
        var lines = (root.text(RootPath.hosts) ?? "127.0.0.1\tlocalhost\n")
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        let line = "127.0.1.1\t\(name)"
        // Debian's own convention for a host without a permanent address (Debian reference, 5.1.1).
        if let index = lines.firstIndex(where: { $0.hasPrefix("127.0.1.1") }) {
            lines[index] = line
        } else {
            lines.insert(line, at: min(1, lines.count))
        }
        put(lines.map { $0 + "\n" }.joined(), at: RootPath.hosts)
    }

    /// Time zone, language and keyboard.
    mutating func setLocale() {
        setTimezone()
        setLanguage()
        setKeyboard()
    }

    /// What no vendor's first boot does: Docker's configuration, the clock, our own program.
    mutating func setFirstBoot() {
        setDocker()
        setClock()
        setProgram()
    }

    mutating func setTimezone() {
        guard let zone = draft.node.locale.timezone?.value else { return }
        put(zone + "\n", at: RootPath.timezone)
        link(RootPath.localtime, to: "/usr/share/zoneinfo/\(zone)")
    }

    /// The first-boot program has the locale made: only the node itself can run locale-gen.
    mutating func setLanguage() {
        guard let language = draft.node.locale.lang?.value else { return }
        put(DefaultLocale.text(language), at: DefaultLocale.path(draft.profile))
        if let text = root.text(LocaleGen.path), let line = LocaleGen.line(for: language) {
            put(LocaleGen.edited(text, adding: line), at: LocaleGen.path)
        }
    }

    mutating func setKeyboard() {
        if let keyboard = draft.node.locale.keyboard?.value { put(KeyboardFile.text(keyboard), at: KeyboardFile.path) }
    }

    // MARK: Docker

    /// The options in /etc/default/docker, for an engine that does not read daemon.json, which is among the files of
    /// ``setProgram()``.
    mutating func setDocker() {
        guard let options = draft.dockerOptions else { return }
        let contents = options.edited(root.text(DockerOptions.path))
        if options.holdsLogin {
            append(TreeChange(.file(contents: contents, mode: 0o600), at: DockerOptions.path))
        } else {
            put(contents, at: DockerOptions.path)
        }
    }

    // MARK: The proxy

    /// The proxies for a system whose own first boot uses the network, before the first-boot program has put them there.
    mutating func setEnvironment() {
        guard let proxy = NodeProxy(draft.node), !proxy.holdsLogin else { return }
        put(proxy.environmentFile(root.text(RootPath.environment) ?? ""), at: RootPath.environment)
    }

    // MARK: The clock

    /// A Pi has no battery-backed clock: at its first start it continues from the time in these files.
    mutating func setClock() {
        let time = draft.flashTime
        if let text = root.text(RootPath.fakeClock), (UTCTime(plain: text)?.seconds ?? 0) < time {
            put(UTCTime(seconds: time).plain + "\n", at: RootPath.fakeClock)
        }
        guard RootPath.timesyncPrograms.contains(where: root.has) else { return }
        // systemd-timesyncd.service(8): the time is the file's time of modification, not its contents. Before systemd
        // 229 the file was one directory higher.
        let directory = RootPath.timesyncDirectory
        let path = root.has(RootPath.oldTimesyncClock) ? RootPath.oldTimesyncClock : RootPath.timesyncClock
        let clock = root.entry(path)
        guard (clock?.modified ?? 0) < time else { return }
        let owner = AccountFiles(root, time: time)?.account(named: "systemd-timesync")
        let entry = clock ?? root.entry(directory)
        let user = entry?.user ?? owner?.user ?? 0
        let group = entry?.group ?? owner?.group ?? 0
        if path.hasPrefix(directory), !root.has(directory) {
            append(TreeChange(.directory(mode: 0o755), at: directory, user: user, group: group))
        }
        append(
            TreeChange(
                .file(contents: [], mode: clock?.mode ?? 0o644), at: path, user: user, group: group,
                modified: time))
    }

    // MARK: What the first boot runs

    /// The recipe's files, the first-boot program with its settings, and the unit or script that starts it.
    mutating func setProgram() {
        for file in draft.files where file.path != FirstBootUnit.path { put(file) }
        switch draft.profile.initSystem?.kind {
        case .sysvinit:
            put(Provision.NodeFile(path: FirstBootScript.path, contents: Array(FirstBootScript.text.utf8), mode: 0o755))
            // The last place: after all other services.
            start(FirstBootScript.name, place: "99")
        default:
            put(Provision.NodeFile(path: FirstBootUnit.path, contents: Array(FirstBootUnit.text.utf8), mode: 0o644))
            link("/etc/systemd/system/multi-user.target.wants/\(FirstBootUnit.name)", to: FirstBootUnit.path)
        }
    }
}
