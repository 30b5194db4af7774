import Text
package import Diagnostics

extension Node.FirstBoot {
    package struct File: Hashable, Sendable {
        /// Absolute, on the node.
        package var path: Located<String>
        package var content: Secret
        /// Permission bits; 0o644 if the recipe does not say.
        package var mode: UInt16
        /// Where the recipe gives the mode; nil if it does not.
        package var modeLocation: Location?
        package var owner: Located<Account>?
        package var group: Located<Account>?

        package init(
            path: Located<String>, content: Secret, mode: UInt16 = 0o644, modeLocation: Location? = nil,
            owner: Located<Account>? = nil, group: Located<Account>? = nil
        ) {
            self.path = path
            self.content = content
            self.mode = mode
            self.modeLocation = modeLocation
            self.owner = owner
            self.group = group
        }

        /// Whether the path is on the boot partition, wherever the image mounts it.
        package var isOnBootPartition: Bool { path.value.begins(with: "/boot/") }

        /// Whether the file is in a home, or belongs to somebody else than root: then it waits for an account.
        package var waitsForAccount: Bool {
            func isOther(_ account: Located<Account>?) -> Bool {
                account.map { ![.name("root"), .number(0)].contains($0.value) } ?? false
            }
            return !isOnBootPartition && (homeName != nil || isOther(owner) || isOther(group))
        }

        /// The name of the home directory that the file is in: "pirate" for "/home/pirate/.bashrc".
        package var homeName: String? {
            let parts = path.value.split(at: "/", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count > 2, parts[1] == "home" else { return nil }
            let rest = parts[2].split(at: "/", maxSplits: 1)
            return rest.count > 1 ? String(rest[0]) : nil
        }
    }

    /// A user or a group, as chown(1) takes it.
    package enum Account: Hashable, Sendable {
        case name(String)
        case number(UInt32)

        /// A text of digits is a number.
        package init(_ text: String) { self = UInt32(text).map(Account.number) ?? .name(text) }

        package var text: String {
            switch self {
            case .name(let name): name
            case .number(let number): String(number)
            }
        }
    }
}
