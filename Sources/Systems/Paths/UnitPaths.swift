/// A systemd unit, by the files of a root partition that decide whether it runs (systemd.unit(5), systemctl(1)).
struct UnitPaths: Sendable {
    let name: String
    /// The targets that may start it.
    let targets: [String]

    init(_ name: String, startedBy targets: String...) {
        self.name = name
        self.targets = targets
    }

    private static let administration = "/etc/systemd/system"

    private var mask: String { "\(Self.administration)/\(name)" }
    private var files: [String] { [mask, "/lib/systemd/system/\(name)", "/usr/lib/systemd/system/\(name)"] }
    private var links: [String] {
        targets.flatMap { target in ["wants", "requires"].map { "\(Self.administration)/\(target).\($0)/\(name)" } }
    }

    /// All paths that ``problem(in:)`` asks for.
    var paths: [String] { files + links }

    func exists(in root: RootSnapshot) -> Bool { files.contains(where: root.has) }

    /// Why the unit does not run, for people; nil if nothing shows that. A unit without a target is started by something
    /// else than a link, and can only be masked.
    func problem(in root: RootSnapshot) -> String? {
        if case .symbolicLink("/dev/null") = root.entry(mask)?.kind { return "\(name) is masked" }
        guard !targets.isEmpty, exists(in: root), !links.contains(where: root.has) else { return nil }
        return "\(name) is disabled"
    }
}
