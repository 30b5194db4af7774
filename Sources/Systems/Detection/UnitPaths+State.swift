extension UnitPaths {
    func exists(in root: RootSnapshot) -> Bool { files.contains(where: root.has) }

    /// Why the unit does not run, for people; nil if nothing shows that. A unit without a target is started by something
    /// else than a link, and can only be masked.
    func problem(in root: RootSnapshot) -> String? {
        if case .symbolicLink("/dev/null") = root.entry(mask)?.kind { return "\(name) is masked" }
        guard !targets.isEmpty, exists(in: root), !links.contains(where: root.has) else { return nil }
        return "\(name) is disabled"
    }
}
