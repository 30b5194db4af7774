import Text
import Diagnostics

/// The keys whose value is an object, or a list of objects.
extension DaemonValidation {
    mutating func validateObject(_ index: Int, _ key: DaemonKey) {
        let value = members[index].value
        if key.name == "default-address-pools" {
            guard case .array(let items) = value else {
                return error(index, "expected a list of {base, size}, this is \(value.kind)")
            }
            for item in items { validatePool(index, item) }
            return
        }
        guard case .object(let inner) = value else { return error(index, "expected a map, this is \(value.kind)") }
        repeated(index, inner, inside: "")
        switch key.name {
        case "builder": validateBuilder(index, inner)
        case "default-network-opts":
            for member in inner {
                guard case .object(let options) = member.value else {
                    error(
                        index, "expected a map of that driver's options, this is \(member.value.kind)",
                        inside: member.name)
                    continue
                }
                texts(index, options, inside: member.name)
            }
        case "default-ulimits": for member in inner { validateUlimit(index, member) }
        case "features": validateFeatures(index, inner)
        case "nri-opts":
            let known: [(String, Shape)] = [
                ("enable", .flag), ("plugin-path", .text), ("plugin-config-path", .text), ("socket-path", .text),
            ]
            validateFields(index, inner, known, inside: "")
        case "proxies": validateProxies(index, inner)
        case "runtimes": for member in inner { validateRuntime(index, member) }
        default: break
        }
    }

    /// The types of the members inside an object.
    private enum Shape {
        case flag, text, size, number, list, object, items
        /// A time: a number of seconds, or a text as "48h".
        case duration
    }

    /// Go finds the fields of a structure whatever the case of their names; unknown ones it ignores.
    private mutating func validateFields(
        _ index: Int, _ inner: [JSONValue.Member], _ known: [(name: String, shape: Shape)], inside prefix: String
    ) {
        repeated(index, inner, inside: prefix)
        for member in inner {
            let path = prefix.isEmpty ? member.name : "\(prefix).\(member.name)"
            guard let field = known.first(where: { $0.name.lowercased() == member.name.lowercased() }) else {
                let near = nearest(to: member.name, among: known.map(\.name))
                let names = known.map { "\"\($0.name)\"" }.joined(separator: ", ")
                error(
                    index,
                    "Docker \(version) does not know this member here"
                        + (near.map { "; did you mean \"\($0)\"?" } ?? " (known: \(names))"), inside: path)
                continue
            }
            let fits =
                switch (field.shape, member.value) {
                case (.flag, .bool), (.text, .string), (.number, .integer), (.object, .object), (.items, .array): true
                case (.duration, .string), (.duration, .integer): true
                case (.size, .string(let text)): text.isEmpty || TextRules.isSize(text) || isShare(text)
                case (.list, .array(let items)):
                    items.allSatisfy { if case .string = $0 { true } else { false } }
                default: false
                }
            if !fits {
                let wanted =
                    switch field.shape {
                    case .flag: "true or false"
                    case .text: "text"
                    case .size: "a size as \"10GB\", in quotes"
                    case .number: "a whole number"
                    case .list: "a list of texts"
                    case .object: "a map"
                    case .items: "a list"
                    case .duration: "a time as \"48h\""
                    }
                error(index, "expected \(wanted), this is \(member.value.kind)", inside: path)
            }
        }
    }

    /// Percentages of the disk, which buildkit takes for its sizes since 28.0.
    private func isShare(_ text: String) -> Bool { has(28, 0) && text.wholeMatch(of: /[0-9]{1,3}(\.[0-9]+)?%/) != nil }

    private func member(_ name: String, of inner: [JSONValue.Member]) -> JSONValue? {
        inner.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// {base, size}: libnetwork/ipamutils, SplitNetworks.
    private mutating func validatePool(_ index: Int, _ item: JSONValue) {
        guard case .object(let inner) = item else {
            return error(index, "expected a list of {base, size}, it holds \(item.kind)")
        }
        validateFields(index, inner, [("base", .text), ("size", .number)], inside: "")
        guard case .string(let text)? = member("base", of: inner) else {
            return error(index, "a pool needs its base (\"10.201.0.0/16\")", inside: "base")
        }
        guard let base = IPNetwork(text) else {
            return error(index, "\"\(text)\" is not a valid network (\"10.201.0.0/16\")", inside: "base")
        }
        if !base.isIPv4, !has(27, 0) {
            error(index, "\"\(text)\": a pool of IPv6 is possible from 27.0 on", inside: "base")
        }
        guard case .integer(let size)? = member("size", of: inner) else {
            if member("size", of: inner) == nil {
                error(index, "a pool needs the size of its networks (24)", inside: "size")
            }
            return
        }
        let most = Int64(base.address.bytes.count * 8)
        if size < Int64(base.prefixLength) || size == 0 || size > most {
            error(
                index,
                "\(size) is not a prefix length of networks inside \(text) (\(max(1, base.prefixLength)) to \(most))",
                inside: "size")
        } else if base.isIPv4, size > 30 {
            error(index, "networks of /\(size) have no room for containers (24)", inside: "size")
        }
    }

    /// daemon/config/builder.go
    private mutating func validateBuilder(_ index: Int, _ inner: [JSONValue.Member]) {
        var known: [(String, Shape)] = [("gc", .object), ("entitlements", .object)]
        if has(24, 0) { known.append(("history", .object)) }
        validateFields(index, inner, known, inside: "")
        if case .object(let gc)? = member("gc", of: inner) {
            var fields: [(String, Shape)] = [("enabled", .flag), ("policy", .items), ("defaultKeepStorage", .size)]
            var rule: [(String, Shape)] = [("all", .flag), ("keepStorage", .size)]
            if has(28, 0) {
                for name in ["ReservedSpace", "MaxUsedSpace", "MinFreeSpace"] {
                    fields.append(("default" + name, .size))
                    rule.append((name.prefix(1).lowercased() + name.dropFirst(), .size))
                }
            }
            validateFields(index, gc, fields, inside: "gc")
            if case .array(let rules)? = member("policy", of: gc) {
                for item in rules {
                    guard case .object(let inside) = item else {
                        error(index, "expected a list of maps, it holds \(item.kind)", inside: "gc.policy")
                        continue
                    }
                    // Before 20.10 the filter was an object by mistake, which is still read.
                    let filter = member("filter", of: inside)
                    validateFields(
                        index, inside.filter { $0.name.lowercased() != "filter" }, rule, inside: "gc.policy")
                    switch filter {
                    case nil, .object: break
                    case .array(let items):
                        for item in items {
                            if case .string(let text) = item, text.contains(scalar: "=") { continue }
                            error(index, "expected texts as \"unused-for=48h\"", inside: "gc.policy.filter")
                        }
                    default: error(index, "expected a list of texts", inside: "gc.policy.filter")
                    }
                }
            }
        }
        if case .object(let rights)? = member("entitlements", of: inner) {
            var fields: [(String, Shape)] = [("network-host", .flag), ("security-insecure", .flag)]
            if has(29, 0) { fields.append(("device", .flag)) }
            validateFields(index, rights, fields, inside: "entitlements")
        }
        if has(24, 0), case .object(let history)? = member("history", of: inner) {
            validateFields(index, history, [("maxAge", .duration), ("maxEntries", .number)], inside: "history")
        }
    }

    /// The limits that the kernel has (getrlimit(2), docker/go-units).
    private static let limits: Set<String> = [
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
        "rttime", "sigpending", "stack",
    ]

    private mutating func validateUlimit(_ index: Int, _ member: JSONValue.Member) {
        guard case .object(let inner) = member.value else {
            return error(
                index, "expected {\"Name\", \"Soft\", \"Hard\"}, this is \(member.value.kind)", inside: member.name)
        }
        validateFields(
            index, inner, [("Name", .text), ("Soft", .number), ("Hard", .number)], inside: member.name)
        if !Self.limits.contains(member.name) {
            let near = nearest(to: member.name, among: Self.limits.sorted())
            error(
                index, "not a limit of Linux" + (near.map { "; did you mean \"\($0)\"?" } ?? ""), inside: member.name)
        }
        switch self.member("Name", of: inner) {
        case .string(let name)? where name != member.name:
            error(index, "\"Name\" says \"\(name)\", the key \"\(member.name)\": write the same", inside: member.name)
        case nil:
            error(index, "\"Name\": \"\(member.name)\" is missing, without it no container starts", inside: member.name)
        default: break
        }
        if case .integer(let soft)? = self.member("Soft", of: inner),
            case .integer(let hard)? = self.member("Hard", of: inner), hard >= 0, soft > hard || soft < 0
        {
            error(index, "Soft (\(soft)) is above Hard (\(hard))", inside: member.name)
        }
    }

    /// The names that dockerd looks up, and the version from which on it does.
    static let features: [(name: String, since: EngineVersion)] = [
        ("buildkit", EngineVersion(18, 9)), ("containerd-snapshotter", EngineVersion(24, 0)),
        ("cdi", EngineVersion(25, 0)), ("windows-dns-proxy", EngineVersion(26, 1)),
        ("containerd-migration", EngineVersion(29, 0)), ("embedded-containerd", EngineVersion(29, 7)),
        ("swarm-nftables", EngineVersion(29, 6)), ("time-namespaces", EngineVersion(29, 5)),
    ]

    private mutating func validateFeatures(_ index: Int, _ inner: [JSONValue.Member]) {
        for member in inner {
            if case .bool = member.value {
            } else {
                error(
                    index, "expected true or false, without quotes, this is \(member.value.kind)", inside: member.name)
            }
            guard let feature = Self.features.first(where: { $0.name == member.name }) else {
                let near = nearest(to: member.name, among: Self.features.map(\.name))
                error(
                    index,
                    "dockerd does not know this feature and ignores it"
                        + (near.map { "; did you mean \"\($0)\"?" } ?? ""),
                    inside: member.name)
                continue
            }
            if version < feature.since {
                error(
                    index, "Docker \(version) ignores it: this feature came with \(feature.since)",
                    inside: member.name)
            }
        }
    }

    private mutating func validateProxies(_ index: Int, _ inner: [JSONValue.Member]) {
        for member in inner {
            guard DaemonKeys.proxies.contains(member.name) else {
                let effect = DaemonKeys.byName[member.name] == nil ? "does not start with it" : "ignores it"
                error(
                    index,
                    "dockerd \(effect): only \"http-proxy\", \"https-proxy\" and \"no-proxy\" are allowed here",
                    inside: member.name)
                continue
            }
            if service.keys.contains(member.name) {
                error(index, "the service starts dockerd with --\(member.name) already", inside: member.name)
            }
            guard case .string(let text) = member.value else {
                error(index, "expected text, this is \(member.value.kind)", inside: member.name)
                continue
            }
            if member.name != "no-proxy" { report(TextRules.proxy(text, version), index, inside: member.name) }
        }
    }

    /// daemon/runtime_unix.go; runtimeType and options came with 23.0.
    private mutating func validateRuntime(_ index: Int, _ member: JSONValue.Member) {
        let name = member.name
        if name == "runc" {
            error(index, "the name \"runc\" belongs to Docker's own runtime; choose another one", inside: name)
        }
        guard case .object(let inner) = member.value else {
            return error(index, "expected {\"path\": …}, this is \(member.value.kind)", inside: name)
        }
        var fields: [(String, Shape)] = [("path", .text), ("runtimeArgs", .list)]
        if has(23, 0) { fields += [("runtimeType", .text), ("options", .object)] }
        validateFields(index, inner, fields, inside: name)
        func filled(_ field: String) -> Bool {
            switch self.member(field, of: inner) {
            case .string(let text): !text.isEmpty
            case .array(let items): !items.isEmpty
            case .object(let members): !members.isEmpty
            default: false
            }
        }
        let (path, type) = (filled("path"), has(23, 0) && filled("runtimeType"))
        if !path, !type { error(index, "names no path", inside: name) }
        if path, type { error(index, "names both a path and a runtimeType: leave one out", inside: name) }
        if path, has(23, 0), filled("options") { error(index, "options go with runtimeType only", inside: name) }
        if type, filled("runtimeArgs") { error(index, "runtimeArgs go with a path only", inside: name) }
    }
}
