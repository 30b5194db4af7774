import Text
import Diagnostics

/// The problems of one version of dockerd with one list of members, while they are collected.
struct DaemonValidation {
    let version: EngineVersion
    let service: ServiceFlags
    let surroundings: DaemonSurroundings
    let members: [JSONValue.Member]
    private let keepsWarnings: Bool
    private(set) var problems: [DaemonProblem] = []
    /// ``problems`` for looking them up: a file of a stranger can have any number of members.
    private var found: Set<DaemonProblem> = []
    private var names: Set<String> = []
    /// The keys that this version has.
    private let present: [String]
    private var suggestions = 0
    /// A suggestion takes much longer than everything else.
    private static let mostSuggestions = 20

    init(
        _ members: [JSONValue.Member], version: EngineVersion, service: ServiceFlags, surroundings: DaemonSurroundings,
        keepsWarnings: Bool
    ) {
        self.members = members
        self.version = version
        self.service = service
        self.surroundings = surroundings
        self.keepsWarnings = keepsWarnings
        present = DaemonKeys.all.filter { key in
            version >= key.since && key.until.map { version < $0 } ?? true
        }.map(\.name)
        for index in members.indices { validate(index) }
        validateCombinations()
    }

    // MARK: What the rules use

    func has(_ first: Int, _ second: Int, _ third: Int = 0) -> Bool { version >= EngineVersion(first, second, third) }

    func index(of name: String) -> Int? { members.firstIndex { $0.name == name } }

    func value(_ name: String) -> JSONValue? { index(of: name).map { members[$0].value } }

    /// The text of `name`, or nil when it is missing, empty or no text.
    func text(_ name: String) -> String? {
        guard case .string(let text)? = value(name), !text.isEmpty else { return nil }
        return text
    }

    func flag(_ name: String) -> Bool? {
        guard case .bool(let flag)? = value(name) else { return nil }
        return flag
    }

    func texts(_ name: String) -> [String] {
        guard case .array(let items)? = value(name) else { return [] }
        return items.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    mutating func error(_ index: Int?, _ text: String, inside: String = "", part: DaemonProblem.Part = .value) {
        add(.error, index, text, inside, part)
    }

    mutating func warning(_ index: Int?, _ text: String, inside: String = "", part: DaemonProblem.Part = .value) {
        if keepsWarnings { add(.warning, index, text, inside, part) }
    }

    mutating func report(_ problem: DaemonKey.Problem?, _ index: Int?, inside: String = "") {
        switch problem {
        case .error(let text): error(index, text, inside: inside)
        case .warning(let text): warning(index, text, inside: inside)
        case nil: break
        }
    }

    private mutating func add(
        _ severity: Diagnostic.Severity, _ index: Int?, _ text: String, _ inside: String, _ part: DaemonProblem.Part
    ) {
        let name = index.map { members[$0].name } ?? ""
        let path = inside.isEmpty ? name : "\(name).\(inside)"
        let problem = DaemonProblem(severity, member: index, part: part, path: path, text)
        if found.insert(problem).inserted { problems.append(problem) }
    }

    // MARK: One member

    private mutating func validate(_ index: Int) {
        let member = members[index]
        if !names.insert(member.name).inserted {
            error(index, "appears twice: dockerd takes the last one and ignores the others", part: .name)
        }
        guard let key = knownKey(index) else { return }
        if version < .daemonFile {
            guard let early = DaemonKeys.early[key.name], version >= early.since else {
                let since = DaemonKeys.early[key.name].map { "; it came with \($0.since)" } ?? ""
                return error(
                    index, "Docker \(version) does not have this option, and does not read daemon.json\(since)",
                    part: .name)
            }
        }
        if service.keys.contains(key.name), key.name != "runtimes" {
            error(
                index,
                "the service starts dockerd with --\(key.option ?? key.name), and dockerd does not start with it in both "
                    + "places, even where they agree: take it out of one of them", part: .name)
        }
        if case .null = member.value {
            return error(index, "has no value: dockerd ignores it")
        }
        validateType(index, key)
    }

    /// The key, when this version has it and does something with it.
    private mutating func knownKey(_ index: Int) -> DaemonKey? {
        let name = members[index].name
        guard let key = DaemonKeys.byName[name] else {
            validateUnknown(index, name)
            return nil
        }
        if let until = key.until, version >= until {
            let instead = key.instead.map { "; write \($0)" } ?? "; leave it out"
            error(index, "Docker \(version) does not start with it: it is gone since \(until)\(instead)", part: .name)
            return nil
        }
        if let inert = key.inertSince, version >= inert {
            error(index, "Docker \(version) takes it and ignores it, since \(inert); leave it out", part: .name)
            return nil
        }
        if version >= .daemonFile, version < key.since {
            let instead = key.instead.map { "; write \($0)" } ?? ""
            error(index, "Docker \(version) does not know it: it came with \(key.since)\(instead)", part: .name)
            return nil
        }
        return key
    }

    private mutating func validateUnknown(_ index: Int, _ name: String) {
        if let instead = DaemonKeys.ignored[name] {
            return error(
                index, "dockerd takes \"\(name)\" and ignores it; the key is \"\(instead)\"", part: .name)
        }
        if DaemonKeys.proxies.contains(name) {
            let text =
                version >= .proxiesKey
                ? "dockerd takes it here and ignores it; it belongs inside \"proxies\""
                : "Docker \(version) does not have this key: set the environment of its service"
            return error(index, text, part: .name)
        }
        if DaemonKeys.unusable.contains(name) {
            return error(index, "it has no effect in daemon.json; leave it out", part: .name)
        }
        if DaemonKeys.byName[name.lowercased()] != nil {
            return error(index, "dockerd's keys are in lower case: \"\(name.lowercased())\"", part: .name)
        }
        if case .object(let inner) = members[index].value, !inner.isEmpty {
            let known = inner.first { DaemonKeys.byName[$0.name] != nil }
            if let known {
                return error(
                    index,
                    "dockerd does not have this key, and ignores \"\(known.name)\" inside it: move it out to the top",
                    part: .name)
            }
        }
        suggestions += 1
        let near = suggestions > Self.mostSuggestions ? nil : nearest(to: name, among: present)
        error(
            index,
            "not a key of Docker \(version), which does not start with it"
                + (near.map { "; did you mean \"\($0)\"?" } ?? ""), part: .name)
    }

    private mutating func validateType(_ index: Int, _ key: DaemonKey) {
        let value = members[index].value
        switch (key.kind, value) {
        case (.flag, .bool): break
        case (.flag, _): error(index, "expected true or false, without quotes, this is \(value.kind)")
        case (.text(let rule), .string(let text)):
            guard !text.isEmpty else {
                // units.RAMInBytes is the only one that is asked about an empty text.
                if key.name == "default-shm-size" { return report(rule(text, version), index) }
                return warning(index, "is empty, which has the same effect as leaving it out")
            }
            report(rule(text, version), index)
        case (.text, _):
            let number = value.isNumber ? " (put it in quotes)" : ""
            error(index, "expected text\(number), this is \(value.kind)")
        case (.integer(let range), .integer(let number)):
            if !range.contains(number) { error(index, "\(number) is not in \(range.lowerBound)...\(range.upperBound)") }
        case (.integer, _): error(index, "expected a whole number without quotes, this is \(value.kind)")
        case (.list(let rule), .array(let items)):
            for (place, item) in items.enumerated() {
                guard case .string(let text) = item else {
                    error(index, "expected a list of texts, number \(place + 1) is \(item.kind)")
                    continue
                }
                report(rule(text, version), index)
            }
        case (.list, _): error(index, "expected a list of texts, this is \(value.kind)")
        case (.texts, .object(let inner)): texts(index, inner)
        case (.texts, _): error(index, "expected a map of texts, this is \(value.kind)")
        case (.object, _): validateObject(index, key)
        }
    }

    mutating func texts(_ index: Int, _ inner: [JSONValue.Member], inside prefix: String = "") {
        repeated(index, inner, inside: prefix)
        for member in inner {
            if case .string = member.value { continue }
            let path = prefix.isEmpty ? member.name : "\(prefix).\(member.name)"
            let hint =
                switch member.value {
                case .integer(let number): ": dockerd refuses numbers there, write \"\(number)\""
                case .bool(let flag): ": write \"\(flag)\""
                default: ""
                }
            error(index, "expected text, this is \(member.value.kind)\(hint)", inside: path)
        }
    }

    mutating func repeated(_ index: Int, _ inner: [JSONValue.Member], inside prefix: String) {
        for (place, member) in inner.enumerated() where inner[..<place].contains(where: { $0.name == member.name }) {
            let path = prefix.isEmpty ? member.name : "\(prefix).\(member.name)"
            error(index, "appears twice: dockerd takes the last one and ignores the others", inside: path)
        }
    }
}
