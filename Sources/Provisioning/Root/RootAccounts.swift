import Text
import Diagnostics
import Filesystems
import Recipes
import Systems

extension RootSetup {
    /// The user with password, keys, groups and sudo. A root partition without accounts is reported.
    mutating func setUser(report: inout DiagnosticReport) {
        let takesOver = draft.takesOverFirstUser
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
        } else if takesOver, let first = accounts.firstUser {
            account = accounts.rename(first, to: name)
            if account.home != first.home { append(TreeChange(.rename(to: name), at: first.home)) }
        } else {
            account = accounts.add(name, like: nil)
            isNew = true
        }
        for group in user.groups { accounts.join(name, to: group.value) }
        for group in draft.forbiddenGroups { accounts.leave(name, group: group) }
        accounts.setPassword(of: name, hash: draft.material.passwordHash)
        // If the vendor gave root a password, that is published, too.
        if takesOver, accounts.hasPassword("root") { accounts.setPassword(of: "root", hash: nil) }
        for file in accounts.changed {
            put(file.text, at: file.path, mode: file.path.hasSuffix("shadow") ? 0o640 : 0o644)
        }

        if isNew { makeHome(account) }
        setKeys(of: account)
        setSudo()
    }

    /// How the user becomes root, if the image has sudo.
    mutating func setSudo() {
        guard let user = draft.node.user, root.has(SudoersFile.directory) else { return }
        append(
            TreeChange(
                .file(contents: Array(SudoersFile.text(user.name.value, user.sudoMode).utf8), mode: SudoersFile.mode),
                at: SudoersFile.path))
    }

    private mutating func makeHome(_ account: AccountFiles.Account) {
        append(TreeChange(.directory(mode: 0o755), at: account.home, user: account.user, group: account.group))
        for path in RootPath.skeletonFiles {
            guard let contents = root.contents(path), let name = path.split(at: "/").last else { continue }
            append(
                TreeChange(
                    .file(contents: contents, mode: 0o644), at: "\(account.home)/\(name)", user: account.user,
                    group: account.group))
        }
    }

    /// sshd insists on the modes (sshd(8), FILES).
    private mutating func setKeys(of account: AccountFiles.Account) {
        guard !draft.material.authorizedKeys.isEmpty else { return }
        let directory = "\(account.home)/.ssh"
        append(TreeChange(.directory(mode: 0o700), at: directory, user: account.user, group: account.group))
        let text = draft.material.authorizedKeys.map { $0 + "\n" }.joined()
        append(
            TreeChange(
                .file(contents: Array(text.utf8), mode: 0o600), at: "\(directory)/authorized_keys", user: account.user,
                group: account.group))
    }

    /// The recipe's groups for the image's first user: the vendor's first boot renames that user, who keeps the groups.
    mutating func joinFirstUser(to groups: [String]) {
        guard !groups.isEmpty, var accounts = AccountFiles(root, time: draft.flashTime),
            let first = accounts.firstUser
        else { return }
        for group in groups { accounts.join(first.name, to: group) }
        for file in accounts.changed { put(file.text, at: file.path) }
    }

    /// Enables sshd, and says whether it takes passwords.
    mutating func setSSH(enable: Bool) {
        if enable {
            if draft.profile.initSystem?.kind == .sysvinit {
                if root.has(RootPath.sshScript) { start("ssh", place: "02") }
            } else if let unit = RootPath.sshUnits.first(where: root.has) {
                link("/etc/systemd/system/multi-user.target.wants/ssh.service", to: unit)
                link("/etc/systemd/system/sshd.service", to: unit)
            }
        }
        guard draft.node.user != nil, let text = root.text(SSHDConfiguration.path) else { return }
        put(SSHDConfiguration.edited(text, allowsPasswords: draft.allowsPasswordLogin), at: SSHDConfiguration.path)
    }
}

extension Draft {
    /// The groups that vendors put their user into and that would make the recipe's user root against its will: sudo has a
    /// rule for one, and polkit takes its members for administrators.
    var forbiddenGroups: [String] {
        guard let user = node.user, user.sudoMode != .passwordless else { return [] }
        let wanted = user.groups.map(\.value) + (node.docker.remote?.value == .ssh ? ["docker"] : [])
        return (["docker", "lxd"] + (user.sudoMode == .none ? ["sudo"] : [])).filter { !wanted.contains($0) }
    }

    /// Whether an ordinary user of the image can have the user's name; otherwise it is reported. Without the root partition
    /// the answer is yes.
    func isUserNameFree(report: inout DiagnosticReport) -> Bool {
        guard let user = node.user, let root, let accounts = AccountFiles(root, time: flashTime) else { return true }
        let name = user.name.value
        func refuse(_ what: String) -> Bool {
            report.error(
                at: user.name.location,
                "user.name: \"\(name)\" is \(what) on this image; take another name")
            return false
        }
        if let existing = accounts.account(named: name) {
            // Debian policy, 9.2.2: the range of ordinary users; "nobody" is above it.
            guard (1000..<60_000).contains(existing.user) else { return refuse("an account of the system") }
            // The image's first user would stay, with the published password.
            let isOther =
                takesOverFirstUser && (accounts.firstUser.map { $0 != existing } ?? false)
            return !isOther || refuse("another account than the first one")
        }
        // The user's own group has the user's name.
        return !accounts.hasGroup(name) || refuse("a group of the system")
    }
}
