import Text
import Systems

/// The account files of a root partition, /etc/passwd and the others, as lists of lines (passwd(5), shadow(5), group(5),
/// gshadow(5), subuid(5)). Lines that are not edited keep every byte.
struct AccountFiles: Sendable {
    struct Account: Hashable, Sendable {
        var name: String
        var user: UInt32
        var group: UInt32
        var home: String
    }

    static let paths = [
        RootPath.passwd, RootPath.shadow, RootPath.group, RootPath.gshadow, RootPath.subuid, RootPath.subgid,
    ]

    private var files: [String: [[String]]] = [:]
    private let originals: [String: String]
    /// Days since 1970, for shadow's "last changed".
    private let today: Int64

    /// Nil if the root partition has no accounts to edit.
    init?(_ root: RootSnapshot, time: Int64) {
        guard root.text(RootPath.passwd) != nil, root.text(RootPath.shadow) != nil, root.text(RootPath.group) != nil
        else {
            return nil
        }
        today = time / 86_400
        var originals: [String: String] = [:]
        for path in Self.paths {
            guard let text = root.text(path) else { continue }
            originals[path] = text
            files[path] = text.split(separator: "\n", omittingEmptySubsequences: true).map {
                $0.split(at: ":", omittingEmptySubsequences: false).map(String.init)
            }
        }
        self.originals = originals
    }

    /// The files whose contents have changed, in a fixed order.
    var changed: [(path: String, text: String)] {
        Self.paths.compactMap { path in
            guard let lines = files[path] else { return nil }
            let text = lines.map { $0.joined(separator: ":") + "\n" }.joined()
            return text == originals[path] ? nil : (path, text)
        }
    }

    func account(named name: String) -> Account? { account { $0[0] == name } }

    /// The account that vendors give the number of the first ordinary user.
    var firstUser: Account? { account { $0[2] == "1000" } }

    private func account(where matches: ([String]) -> Bool) -> Account? {
        guard let line = files[RootPath.passwd]?.first(where: { $0.count >= 7 && matches($0) }),
            let user = UInt32(line[2]), let group = UInt32(line[3])
        else { return nil }
        return Account(name: line[0], user: user, group: group, home: line[5])
    }

    /// Renames an account, its group and its home directory in all files.
    mutating func rename(_ account: Account, to name: String) -> Account {
        var renamed = account
        renamed.name = name
        if account.home == "/home/\(account.name)" { renamed.home = "/home/\(name)" }
        for path in files.keys {
            for index in files[path, default: []].indices {
                var line = files[path, default: []][index]
                if line[0] == account.name { line[0] = name }
                if path == RootPath.passwd, line[0] == name, line.count >= 7 { line[5] = renamed.home }
                if path.hasSuffix("group") || path.hasSuffix("gshadow"), line.count >= 4 {
                    line[3] = line[3].split(at: ",").map { $0 == account.name ? name : String($0) }
                        .joined(separator: ",")
                }
                files[path, default: []][index] = line
            }
        }
        return renamed
    }

    /// A new ordinary account with a group of the same name and the groups of `model`, or those of Debian's first user.
    mutating func add(_ name: String, like model: Account?) -> Account {
        let used = Set(
            (files[RootPath.passwd, default: []] + files[RootPath.group, default: []]).compactMap { line in
                line.count > 2 ? UInt32(line[2]) : nil
            })
        let number = (1000...59_999).first { !used.contains($0) } ?? 1000
        let account = Account(name: name, user: number, group: number, home: "/home/\(name)")
        files[RootPath.passwd, default: []].append(
            [name, "x", String(number), String(number), "", account.home, "/bin/bash"])
        files[RootPath.shadow, default: []].append([name, "!", String(today), "0", "99999", "7", "", "", ""])
        files[RootPath.group, default: []].append([name, "x", String(number), ""])
        if files[RootPath.gshadow] != nil { files[RootPath.gshadow, default: []].append([name, "!", "", ""]) }
        let memberships =
            model.map { groups(of: $0.name) }
            ?? [
                "adm", "dialout", "sudo", "audio", "video", "plugdev", "users", "input", "netdev", "gpio", "i2c", "spi",
            ]
            .filter { hasGroup($0) }
        for group in memberships { join(name, to: group) }
        return account
    }

    func hasGroup(_ name: String) -> Bool { files[RootPath.group, default: []].contains { $0[0] == name } }

    private func groups(of user: String) -> [String] {
        files[RootPath.group, default: []].filter {
            $0.count >= 4 && $0[3].split(at: ",").contains { $0 == user }
        }
        .map { $0[0] }
    }

    /// Adds `user` to a group. A missing group is made, with a number from Debian's range for system groups.
    mutating func join(_ user: String, to group: String) {
        if !hasGroup(group) {
            let used = Set(files[RootPath.group, default: []].compactMap { $0.count > 2 ? UInt32($0[2]) : nil })
            let number = (100...999).reversed().first { !used.contains($0) } ?? 999
            files[RootPath.group, default: []].append([group, "x", String(number), ""])
            if files[RootPath.gshadow] != nil { files[RootPath.gshadow, default: []].append([group, "!", "", ""]) }
        }
        for path in [RootPath.group, RootPath.gshadow] {
            guard let index = files[path]?.firstIndex(where: { $0[0] == group && $0.count >= 4 }) else { continue }
            let members = files[path, default: []][index][3].split(at: ",").map(String.init)
            guard !members.contains(user) else { continue }
            files[path, default: []][index][3] = (members + [user]).joined(separator: ",")
        }
    }

    mutating func leave(_ user: String, group: String) {
        for path in [RootPath.group, RootPath.gshadow] {
            guard let index = files[path]?.firstIndex(where: { $0[0] == group && $0.count >= 4 }) else { continue }
            let members = files[path, default: []][index][3].split(at: ",").map(String.init)
            files[path, default: []][index][3] = members.filter { $0 != user }.joined(separator: ",")
        }
    }

    /// Sets the password's hash; nil locks the password, but keys still work.
    mutating func setPassword(of user: String, hash: String?) {
        guard let index = files[RootPath.shadow]?.firstIndex(where: { $0[0] == user && $0.count >= 3 }) else { return }
        let hash = hash ?? "*"
        guard files[RootPath.shadow, default: []][index][1] != hash else { return }
        files[RootPath.shadow, default: []][index][1] = hash
        files[RootPath.shadow, default: []][index][2] = String(today)
    }

    /// The hashes in an edited /etc/shadow or /etc/gshadow, of all accounts; a "!" in front locks one.
    static func hashes(at path: String, in contents: [UInt8]) -> Set<String> {
        guard path == RootPath.shadow || path == RootPath.gshadow else { return [] }
        let fields = contents.split(separator: UInt8(ascii: "\n")).compactMap { line in
            line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false).dropFirst().first
        }
        let hashes = fields.map { String(decoding: $0.drop { $0 == UInt8(ascii: "!") }, as: UTF8.self) }
        return Set(hashes.filter { $0.utf8.count > 3 })
    }

    /// Whether the account can log in with a password.
    func hasPassword(_ user: String) -> Bool {
        guard let line = files[RootPath.shadow]?.first(where: { $0[0] == user && $0.count >= 2 }) else { return false }
        return line[1].isEmpty || line[1].begins(with: "$")
    }
}
