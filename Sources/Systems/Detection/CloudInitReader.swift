import Text

/// cloud-init, as far as its files decide whether it reads the seed on the boot partition.
/// <https://docs.cloud-init.io/en/latest/howto/disable_cloud_init.html>,
/// <https://docs.cloud-init.io/en/latest/explanation/boot.html> (tools/ds-identify)
enum CloudInitReader {
    /// Why nothing would read user-data, for people; nil if nothing shows that.
    static func problem(in root: RootSnapshot, commandLine: [String], readsBootPartition: Bool) -> String? {
        if root.version(of: "cloud-init") == nil, !root.has(RootPath.cloudInit) { return "cloud-init is not installed" }
        // The package's list of files tells a damaged system from a small one.
        if root.hasFileList(of: "cloud-init"), !root.has(RootPath.cloudInit) {
            return "cloud-init is installed, but \(RootPath.cloudInit) is missing"
        }
        if let reason = disabled(in: root, commandLine: commandLine) { return reason }
        if let reason = UnitPaths.cloudInit.lazy.compactMap({ $0.problem(in: root) }).first {
            return "cloud-init does not run: \(reason)"
        }
        if let reason = source(in: root, commandLine: commandLine) { return reason }
        guard readsBootPartition, !root.cloudConfiguration.isEmpty, !RootPath.cloudSeeds.contains(where: root.has),
            !root.cloudConfiguration.contains(where: { $0.contains("seedfrom") || $0.contains("fs_label") })
        else { return nil }
        return
            "cloud-init does not look at the boot partition: no file in \(RootPath.cloudConfigurationDirectory) sets "
            + "datasource.NoCloud.seedfrom (package rpi-cloud-init-mods)"
    }

    /// The kernel command line counts before the file, and its last word counts (cloud-init-generator).
    private static func disabled(in root: RootSnapshot, commandLine: [String]) -> String? {
        switch commandLine.last(where: { $0.begins(with: "cloud-init=") }) {
        case "cloud-init=disabled": return "cloud-init is disabled by cloud-init=disabled in the kernel command line"
        case "cloud-init=enabled": return nil
        default:
            return root.has(RootPath.cloudInitDisabled)
                ? "cloud-init is disabled by \(RootPath.cloudInitDisabled)" : nil
        }
    }

    /// ds-identify decides at each boot whether cloud-init runs; cloud-init then tries the sources of its list.
    private static func source(in root: RootSnapshot, commandLine: [String]) -> String? {
        let policy =
            commandLine.last { $0.begins(with: "ci.di.policy=") }.map { String($0.dropFirst("ci.di.policy=".count)) }
            ?? setting("policy", in: root.text(RootPath.cloudSourceIdentification) ?? "")
        if policy?.split(at: ",").first == "disabled" {
            return
                "cloud-init is disabled by the policy of ds-identify (\(RootPath.cloudSourceIdentification) or ci.di.policy)"
        }
        let named =
            commandLine.last { $0.begins(with: "ci.ds=") || $0.begins(with: "ci.datasource=") }
            .map { String($0.drop { $0 != "=" }.dropFirst()) }
            ?? setting("datasource", in: root.text(RootPath.cloudSourceIdentification) ?? "")
        if let named, !named.isEmpty, !named.lowercased().hasPrefix("nocloud") {
            return "cloud-init reads another source than the boot partition: \(named)"
        }
        // A later file replaces the list of an earlier one.
        let lists = root.cloudConfiguration.compactMap(sources)
        guard let list = lists.last, !list.contains(where: { $0.lowercased().hasPrefix("nocloud") }) else { return nil }
        return "cloud-init does not read the boot partition: its datasource_list is [\(list.joined(separator: ", "))], "
            + "without NoCloud"
    }

    /// The value of a line "name: value".
    private static func setting(_ name: String, in text: String) -> String? {
        for line in text.split(whereSeparator: \.isNewline).reversed() where line.begins(with: "\(name):") {
            return line.dropFirst(name.count + 1).prefix { $0 != "#" }.filter {
                !$0.isWhitespace && $0 != "\"" && $0 != "'"
            }
        }
        return nil
    }

    /// The last `datasource_list` at the top of a YAML file, in either of its two forms; nil if there is none.
    static func sources(in text: String) -> [String]? {
        func names(_ text: Substring) -> [String] {
            text.prefix { $0 != "#" }.split { " \t[],'\"".contains($0) }.map(String.init)
        }
        var found: [String]?
        // Whether the following lines may go on with the list, and whether a bracket is open.
        var isOpen = false
        var hasBracket = false
        for line in text.split(whereSeparator: \.isNewline) {
            if line.begins(with: "datasource_list:") {
                let value = line.dropFirst("datasource_list:".count)
                found = names(value)
                hasBracket = value.contains(scalar: "[") && !value.contains(scalar: "]")
                isOpen = found?.isEmpty == true || hasBracket
            } else if isOpen, hasBracket {
                found? += names(line[...])
                if line.contains(scalar: "]") { (isOpen, hasBracket) = (false, false) }
            } else if isOpen, line.drop(while: { $0 == " " }).begins(with: "- ") {
                found? += names(line.drop { $0 == " " || $0 == "-" })
            } else if isOpen, line.first != "#" {
                isOpen = false
            }
        }
        return found
    }
}
