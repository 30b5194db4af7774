import Diagnostics
import Text
import SystemPackage

/// Makes the recipes of the nodes of a rack from one file: `nodes`, `addresses`, `roster`, `overrides` and variables.
struct RackExpansion {
    /// One node's recipe, with its variables replaced.
    struct Member {
        let tree: RecipeValue
        /// The fields of its row in the roster, in the order of the columns.
        let columns: [LoadedRack.Column]
    }

    private static let keys: Set<String> = ["nodes", "addresses", "roster", "overrides"]

    /// The recipe file's name without its ending, or its directory's for a recipe of one node.
    let rackName: String
    /// Makes a path in a recipe absolute: (path, file that names it).
    let resolve: (String, String) -> String
    let read: (FilePath) -> [UInt8]?

    /// Whether a recipe is one for several nodes.
    static func isRack(_ tree: RecipeValue) -> Bool { entry("nodes", of: tree) != nil }

    private static func entry(_ name: String, of tree: RecipeValue) -> RecipeValue.Entry? {
        guard case .mapping(let entries) = tree.content else { return nil }
        return entries.first { $0.key.value == name }
    }

    /// A recipe of one node: itself, with the built-in variables.
    func single(_ tree: RecipeValue, _ report: inout DiagnosticReport) -> Member {
        for key in Self.keys.sorted() {
            guard let entry = Self.entry(key, of: tree) else { continue }
            report.error(at: entry.key.location, "\(key): only in a recipe with nodes: (\"red[00-04]\")")
        }
        var values = ["index": "1", "count": "1", "rack": rackName]
        if case .scalar(let text, _)? = Self.entry("hostname", of: tree)?.value.content { values["node"] = text }
        return Member(tree: substituted(tree, values, source: nil, &report), columns: [])
    }

    /// The recipes of all nodes, in the order of `nodes`.
    func members(of tree: RecipeValue, _ report: inout DiagnosticReport) -> [Member] {
        guard case .mapping(let entries) = tree.content, let nodes = Self.entry("nodes", of: tree) else { return [] }
        let names = readNames(nodes.value, &report)
        let addresses = Self.entry("addresses", of: tree).map { readAddresses($0, names, tree, &report) } ?? [:]
        let roster = Self.entry("roster", of: tree).flatMap { readRoster($0.value, names, &report) }
        let overrides = Self.entry("overrides", of: tree).map { readOverrides($0.value, names, &report) } ?? [:]
        var common = tree
        common.content = .mapping(entries.filter { !Self.keys.contains($0.key.value) })

        var members: [Member] = []
        for (index, name) in names.enumerated() {
            let row = roster.flatMap { $0.rows.indices.contains(index) ? $0.rows[index] : nil }
            // A missing row is reported already; its unknown variables would be the same mistake again.
            if row == nil, Self.entry("roster", of: tree) != nil { continue }
            var own = common
            let place = nodes.value.location
            if Self.entry("hostname", of: own) == nil {
                Self.set("hostname", [Located(name, at: place)], at: place, in: &own)
            }
            if let found = addresses[name] { Self.set("address", found, at: place, in: &own) }
            if let override = overrides[name] { own = RecipeValue.merge(own, override, &report) }
            var values = row?.fields ?? [:]
            values["node"] = name
            values["index"] = String(index + 1)
            values["count"] = String(names.count)
            values["rack"] = rackName
            let source = row.map { "\(roster?.file ?? ""):\($0.line)" }
            let columns = (roster?.columns ?? []).compactMap { name in
                row?.fields[name].map { LoadedRack.Column(name: name, value: $0) }
            }
            members.append(Member(tree: substituted(own, values, source: source, &report), columns: columns))
        }
        return members
    }

    private func substituted(
        _ tree: RecipeValue, _ values: [String: String], source: String?, _ report: inout DiagnosticReport
    ) -> RecipeValue {
        var values = values
        if let address = Self.entry("address", of: tree)?.value {
            // Its mistakes are reported below, with all others.
            var ignored = DiagnosticReport()
            let known = RackVariables(values: values, source: source).substitute(in: address, &ignored)
            let items = if case .sequence(let list) = known.content { list } else { [known] }
            let texts = items.compactMap { item in if case .scalar(let text, _) = item.content { text } else { nil } }
            // Of two it is the one that others reach the node at.
            if let text = texts.first(where: { !$0.contains(scalar: ":") }) ?? texts.first {
                values["address"] = String(text.prefix { $0 != "/" })
            }
        }
        return RackVariables(values: values, source: source).substitute(in: tree, &report)
    }

    /// A text, or a list if there are several.
    private static func set(
        _ name: String, _ texts: [Located<String>], at place: Location, in tree: inout RecipeValue
    ) {
        guard case .mapping(var entries) = tree.content else { return }
        entries.removeAll { $0.key.value == name }
        let items = texts.map {
            RecipeValue(content: .scalar($0.value, isPlain: false), tag: nil, location: $0.location)
        }
        let value = items.count == 1 ? items[0] : RecipeValue(content: .sequence(items), tag: nil, location: place)
        entries.append(.init(key: Located(name, at: place), value: value))
        tree.content = .mapping(entries)
    }

    // MARK: The keys of a rack

    private func readNames(_ value: RecipeValue, _ report: inout DiagnosticReport) -> [String] {
        let items = if case .sequence(let list) = value.content { list } else { [value] }
        var names: [String] = []
        var places: [String: Location] = [:]
        for item in items {
            guard case .scalar(let text, _) = item.content, item.tag == nil, !text.isEmpty else {
                report.error(
                    at: item.location, "nodes: expected names (\"red[00-04]\"), this is \(item.tag ?? item.kind)")
                continue
            }
            do throws(Hostlist.Mistake) {
                let expanded = try Hostlist.expand(text)
                // One name is enough to show what is wrong with all of a range.
                if let problem = expanded.lazy.compactMap(ValueRule.hostname.problem).first {
                    report.error(at: item.location, "nodes: \(problem)")
                    continue
                }
                for name in expanded {
                    if places.updateValue(item.location, forKey: name) != nil {
                        report.error(at: item.location, "nodes: \"\(name)\" appears twice")
                    } else {
                        names.append(name)
                    }
                }
            } catch {
                report.error(at: item.location, "nodes: \(error.text)")
            }
        }
        return names
    }

    /// Node n gets the first address plus n; with a list, one of each of its addresses.
    private func readAddresses(
        _ entry: RecipeValue.Entry, _ names: [String], _ tree: RecipeValue, _ report: inout DiagnosticReport
    ) -> [String: [Located<String>]] {
        if let other = Self.entry("address", of: tree) {
            report.error(
                at: other.key.location, "address: every node of the rack would get it; leave it out beside addresses")
        }
        let items = if case .sequence(let list) = entry.value.content { list } else { [entry.value] }
        var addresses: [String: [Located<String>]] = [:]
        for item in items {
            for (name, address) in zip(names, count(names.count, from: item, &report)) {
                addresses[name, default: []].append(Located(address, at: item.location))
            }
        }
        return addresses
    }

    /// `count` addresses with their prefix length; none, and reported, if there are fewer.
    private func count(_ count: Int, from item: RecipeValue, _ report: inout DiagnosticReport) -> [String] {
        let place = item.location
        guard case .scalar(let text, _) = item.content, item.tag == nil,
            ValueRule.nodeAddress.problem(with: text) == nil || IPv4Network(text)?.isHost == false
        else {
            report.error(
                at: place,
                "addresses: expected the first node's address with its prefix length (192.168.50.10/24 or fd00::10/64)")
            return []
        }
        guard let network = IPv4Network(text) else {
            guard let hosts = IPNetwork(text)?.hosts(count) else {
                report.error(
                    at: place, "addresses: \(count) nodes need as many addresses from \(text) on; its network has fewer"
                )
                return []
            }
            return hosts.map { "\($0)/\(text.drop { $0 != "/" }.dropFirst())" }
        }
        guard let hosts = network.hosts(count) else {
            let available = network.hostsFromHere
            let why = available == 0 ? "it is not a host's address" : "only \(available) follow in its network"
            report.error(at: place, "addresses: \(count) nodes need as many addresses from \(text) on; \(why)")
            return []
        }
        return hosts.map { "\($0)/\(network.prefixLength)" }
    }

    private func readRoster(
        _ value: RecipeValue, _ names: [String], _ report: inout DiagnosticReport
    ) -> Roster? {
        guard case .scalar(let path, _) = value.content, value.tag == nil, !path.isEmpty else {
            report.error(
                at: value.location, "roster: expected the path of a CSV file, this is \(value.tag ?? value.kind)")
            return nil
        }
        guard let bytes = read(FilePath(resolve(path, value.location.file))) else {
            report.error(at: value.location, "roster: \(path) cannot be read")
            return nil
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            report.error(at: value.location, "roster: \(path) is not UTF-8 text: save it as \"CSV UTF-8\"")
            return nil
        }
        guard let roster = Roster(text, file: path, report: &report) else { return nil }
        if roster.rows.count < names.count {
            let missing = names[roster.rows.count...]
            let who =
                missing.count == 1 ? missing[roster.rows.count] : "\(missing.first ?? "") to \(missing.last ?? "")"
            report.error(
                at: value.location,
                "roster: \(path) has \(roster.rows.count) rows for \(names.count) nodes: \(who) would get none")
        } else if roster.rows.count > names.count {
            report.warning(
                at: value.location,
                "roster: \(path) has \(roster.rows.count) rows for \(names.count) nodes: the last \(roster.rows.count - names.count) get no card"
            )
        }
        var seats: [String: Int] = [:]
        for row in roster.rows.prefix(names.count) {
            guard let seat = row.fields["seat"], !seat.isEmpty else { continue }
            if let line = seats[seat] {
                report.error(
                    at: Location(file: path, line: row.line, column: 1),
                    "seat \"\(seat)\" is already taken, in line \(line)")
            }
            seats[seat] = row.line
        }
        return roster
    }

    private func readOverrides(
        _ value: RecipeValue, _ names: [String], _ report: inout DiagnosticReport
    ) -> [String: RecipeValue] {
        guard case .mapping(let entries) = value.content, value.tag == nil else {
            report.error(at: value.location, "overrides: expected a map of nodes, this is \(value.tag ?? value.kind)")
            return [:]
        }
        var overrides: [String: RecipeValue] = [:]
        let known = Set(names)
        for entry in entries {
            guard known.contains(entry.key.value) else {
                let near = nearest(to: entry.key.value, among: names).map { " (did you mean \"\($0)\"?)" } ?? ""
                report.error(at: entry.key.location, "overrides: \"\(entry.key.value)\" is not listed in nodes\(near)")
                continue
            }
            guard case .mapping(let inner) = entry.value.content else {
                report.error(
                    at: entry.value.location,
                    "overrides.\(entry.key.value): expected a map of keys, this is \(entry.value.kind)")
                continue
            }
            for key in inner where Self.keys.contains(key.key.value) || key.key.value == "extends" {
                report.error(
                    at: key.key.location, "overrides.\(entry.key.value): \"\(key.key.value)\" is not allowed here")
            }
            overrides[entry.key.value] = entry.value
        }
        return overrides
    }
}
