import Systems
import Diagnostics
import Filesystems
import Recipes

extension RootSetup {
    /// Whose login the recipe's user becomes.
    enum Takeover: Sendable {
        /// The image's first user (number 1000) gets the recipe's name: the vendor's login, whose password everybody
        /// knows, is gone.
        case firstUser
        /// The recipe's user is added, and the image's own stays: the system counts on it.
        case none
    }

    /// The user with password, keys, groups and sudo. Returns nothing when the root partition has no accounts; that is
    /// reported.
    mutating func setUser(_ takeover: Takeover, report: inout DiagnosticReport) {
        guard let user = draft.node.user else { return }
        guard var accounts = AccountFiles(root, time: draft.flashTime) else {
            report.error(
                at: user.name.location, "user.name: the image's root partition has no /etc/passwd and /etc/shadow")
            return
        }
        guard draft.isUserNameFree(report: &report) else { return }
        let name = user.name.value
        let account: AccountFiles.Account
        var isNew = false
        if let existing = accounts.account(named: name) {
            account = existing
        } else if takeover == .firstUser, let first = accounts.firstUser {
            account = accounts.rename(first, to: name)
            if account.home != first.home { append(RootEdit(.rename(to: name), at: first.home)) }
        } else {
            account = accounts.add(name, like: nil)
            isNew = true
        }
        for group in user.groups { accounts.join(name, to: group.value) }
        accounts.setPassword(of: name, hash: draft.material.passwordHash)
        // Where the vendor gave root a password, it is as well known.
        if takeover == .firstUser, accounts.hasPassword("root") { accounts.setPassword(of: "root", hash: nil) }
        for file in accounts.changed {
            put(file.text, at: file.path, mode: file.path.hasSuffix("shadow") ? 0o640 : 0o644)
        }

        if isNew { makeHome(account) }
        setKeys(of: account)
        if root.has("/etc/sudoers.d") {
            append(
                RootEdit(
                    .file(contents: Array("\(name) ALL=(ALL) NOPASSWD: ALL\n".utf8), mode: 0o440),
                    at: "/etc/sudoers.d/010_piflash"))
        }
    }

    private mutating func makeHome(_ account: AccountFiles.Account) {
        append(RootEdit(.directory(mode: 0o755), at: account.home, user: account.user, group: account.group))
        for name in [".bashrc", ".profile", ".bash_logout"] {
            guard case .file(let contents?) = root.entries["/etc/skel/\(name)"]?.kind else { continue }
            append(
                RootEdit(
                    .file(contents: contents, mode: 0o644), at: "\(account.home)/\(name)", user: account.user,
                    group: account.group))
        }
    }

    /// sshd insists on the modes (sshd(8), FILES).
    private mutating func setKeys(of account: AccountFiles.Account) {
        guard !draft.material.authorizedKeys.isEmpty else { return }
        let directory = "\(account.home)/.ssh"
        append(RootEdit(.directory(mode: 0o700), at: directory, user: account.user, group: account.group))
        let text = draft.material.authorizedKeys.map { $0 + "\n" }.joined()
        append(
            RootEdit(
                .file(contents: Array(text.utf8), mode: 0o600), at: "\(directory)/authorized_keys", user: account.user,
                group: account.group))
    }

    /// Groups of the recipe for the image's first user, whatever name it has then: the vendor's first boot renames it,
    /// and its groups go along.
    mutating func joinFirstUser(to groups: [String]) {
        guard !groups.isEmpty, var accounts = AccountFiles(root, time: draft.flashTime),
            let first = accounts.firstUser
        else { return }
        for group in groups { accounts.join(first.name, to: group) }
        for file in accounts.changed { put(file.text, at: file.path) }
    }

    /// sshd switched on, and passwords refused when the recipe gives keys.
    mutating func setSSH(enable: Bool) {
        if enable {
            if draft.profile.initSystem?.kind == .sysvinit {
                if root.has("/etc/init.d/ssh") { start("ssh", place: "02") }
            } else if let unit = ["/lib/systemd/system/ssh.service", "/usr/lib/systemd/system/ssh.service"].first(
                where: root.has)
            {
                link("/etc/systemd/system/multi-user.target.wants/ssh.service", to: unit)
                link("/etc/systemd/system/sshd.service", to: unit)
            }
        }
        guard draft.node.user != nil, let text = root.text(SSHDConfiguration.path) else { return }
        put(SSHDConfiguration.edited(text, allowsPasswords: draft.allowsPasswordLogin), at: SSHDConfiguration.path)
    }
}

extension Draft {
    /// Whether the image leaves the user's name to an ordinary user, who may be there already; otherwise it is reported.
    /// Where the root partition is not at hand nobody can tell.
    func isUserNameFree(report: inout DiagnosticReport) -> Bool {
        guard let user = node.user, let root, let accounts = AccountFiles(root, time: flashTime) else { return true }
        let name = user.name.value
        func refuse(_ what: String) -> Bool {
            report.error(
                at: user.name.location,
                "user.name: \"\(name)\" is \(what) of the system on this image; take another name")
            return false
        }
        if let existing = accounts.account(named: name) {
            // Debian policy, 9.2.2: the ordinary users; "nobody" comes behind them.
            return (1000..<60_000).contains(existing.user) || refuse("an account")
        }
        // The user's own group has the user's name.
        return !accounts.hasGroup(name) || refuse("a group")
    }
}

/// /etc/ssh/sshd_config, where the first value of a keyword counts (sshd_config(5)).
enum SSHDConfiguration {
    static let path = "/etc/ssh/sshd_config"
    private static let mark = "# piflash: the next line is its own"

    static func edited(_ text: String, allowsPasswords: Bool) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let index = lines.firstIndex(of: mark) { lines.removeSubrange(index...min(index + 1, lines.count - 1)) }
        lines.insert(contentsOf: [mark, "PasswordAuthentication \(allowsPasswords ? "yes" : "no")"], at: 0)
        return lines.joined(separator: "\n")
    }
}
