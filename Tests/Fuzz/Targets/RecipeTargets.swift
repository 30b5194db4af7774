import Diagnostics
import Docker
import Host
import Labels
import Provisioning
import Stacks
import Storage
import Synchronization
import SystemPackage
import Text

@testable import Recipes

/// What people write: recipes, rosters, lists of hosts, compose files.
extension FuzzTarget {
    static let recipes = [recipe, rack, hostlist, roster, valueRules, authorizedKeys, imagePin, compose]

    /// A whole recipe of one node. If it is accepted, its label can be made, and no message shows its password.
    private static let recipe = FuzzTarget("recipe", limit: 2048, mutations: 25, words: keys + yaml) { bytes in
        try load([("r.yaml", bytes)], "r.yaml")
    }

    /// A recipe of several nodes, with its roster and a recipe that it extends.
    private static let rack = FuzzTarget(
        "rack", limit: 2048, mutations: 25, words: keys + yaml + ["nodes: red[01-03]", "{{", "}}"]
    ) {
        bytes in
        var input = FuzzInput(bytes)
        try load([("r.yaml", input.part()), ("base.yaml", input.part()), ("r.csv", input.part())], "r.yaml")
    }

    private static func load(_ files: [(name: String, bytes: [UInt8])], _ path: String) throws {
        // No directory of that name: what a recipe names beside itself is only in memory.
        let directory = "/nonexistent/piflash"
        let loader = RecipeLoader(
            user: InvokingUser(userID: 1000, groupID: 1000, home: "/nonexistent"), workingDirectory: .init(directory),
            requireImage: false
        ) { path in files.first { "\(directory)/\($0.name)" == path.string }?.bytes }
        let loaded = try answer { try RecipeValidation.validate(loader.reading(of: path)) }
        for member in loaded?.members ?? [] {
            let sheet = LabelSheet(rack: "r", labels: [NodeLabel(member)])
            _ = sheet.text
            guard try answer({ try sheet.html(template: LabelSheet.labelTemplate, file: "labels") }) != nil else {
                throw BrokenProperty(description: "a recipe that is accepted has no label")
            }
        }
    }

    private static let hostlist = FuzzTarget("hostlist", limit: 256, words: ["[00-04]", "[1,3]", "-", "node"]) {
        bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            let names = try Hostlist.expand(text)
            try require(!names.isEmpty && names.count <= Hostlist.limit, "\(names.count) names")
        } catch is Hostlist.Mistake {}
    }

    /// As many fields in each row as there are columns, and no line end in the place of a field.
    private static let roster = FuzzTarget("roster", words: ["name,seat\n", "\"", ";", "\t", "\r\n"]) { bytes in
        var report = DiagnosticReport()
        let text = String(decoding: bytes, as: UTF8.self)
        guard let roster = Roster(text, file: "r.csv", report: &report) else {
            return try require(report.hasErrors, "a roster is refused without a reason")
        }
        try require(Set(roster.columns).count == roster.columns.count, "a column twice")
        for row in roster.rows { try require(Set(row.fields.keys) == Set(roster.columns), "row \(row.line)") }
    }

    private static let valueRules = FuzzTarget("value-rules", limit: 256, mutations: 40) { bytes in
        let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
        let rules: [ValueRule] = [
            .gateway, .nameServer, .nodeAddress, .manager, .mirror, .proxy, .directHost, .country, .timeZone, .language,
            .keyboard, .password, .passphrase, .joinToken, .authorizedKeys, .labelKey, .labelValue, .stackName,
            .swarmNetworkName, .addressPool, .subnet, .certificateLife, .variableValue, .variableName, .hostname,
            .userName, .groupName, .ssid, .packageName, .filePath, .account, .fileMode, .fileContent, .sha256,
            .localPath, .imagePath, .text,
        ]
        let rule = rules[Int(bytes.first ?? 0) % rules.count]
        // A short text can be a part of any message.
        if let problem = rule.problem(with: text), rule.isSecret, text.utf8.count > 12 {
            try require(!problem.contains(bytes: text), "the message of \(rule.name) shows the secret")
        }
    }

    private static let authorizedKeys = FuzzTarget(
        "authorized-keys", words: ["ssh-ed25519 ", "ssh-rsa ", "command=\"", "no-pty,", "AAAAC3NzaC1lZDI1NTE5AAAAI"]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = AuthorizedKeys.lines(of: text)
        try require(AuthorizedKeys.lines(of: lines.joined(separator: "\n")) == lines, "other lines at the second time")
        _ = AuthorizedKeys.problem(with: text)
    }

    /// The digest is written into the recipe, or not at all: it reads back.
    private static let imagePin = FuzzTarget(
        "image-pin", limit: 512, words: yaml + ["image:", "source:", "{source: a}"]
    ) {
        bytes in
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        var report = DiagnosticReport()
        guard let tree = RecipeValue.parse(text, file: "r.yaml", &report), !report.hasErrors,
            let source = value("source", in: value("image", in: tree)), case .scalar = source.content
        else { return }
        guard let pinned = ImagePin.adding("abc", to: text, at: source.location) else { return }
        _ = RecipeValue.parse(pinned, file: "r.yaml", &report)
    }

    private static func value(_ key: String, in tree: RecipeValue?) -> RecipeValue? {
        guard case .mapping(let entries)? = tree?.content else { return nil }
        return entries.first { $0.key.value == key }?.value
    }

    /// A compose file for each version of Docker.
    private static let compose = FuzzTarget(
        "compose", limit: 2048, mutations: 12,
        words: yaml + [
            "services:", "image:", "ports:", "volumes:", "networks:", "secrets:", "configs:", "deploy:",
            "version: \"3.8\"",
            "environment:", "healthcheck:", "${X:-y}", "$$", "replicas:", "labels:", "command:", "external: true",
            "8080:80",
        ]
    ) { bytes in
        let place = Location(file: "r.yaml", line: 1, column: 1)
        let stack = Node.Swarm.Stack(
            name: Located("web", at: place), compose: Located("/nonexistent/c.yml", at: place))
        for engine in [nil, EngineVersion("1.13.1"), EngineVersion("19.03.12"), EngineVersion("28.0.1")] {
            var report = DiagnosticReport()
            let source = StackSource(stack, compose: bytes, &report)
            let swarm = Node.Swarm(managers: [], role: .manager, networks: [], stacks: [stack], location: place)
            _ = StackValidation([source], of: swarm, engine: engine).report.description
        }
    }

    private static let yaml = [
        "!env ", "!file ", "!command ", "&a ", "*a", "<<: ", "- ", "|\n", ">-\n", "? ", "{}", "[]", "~", "\"\\u0000\"",
        "%YAML",
        "---\n", "...", "\t", "#", "extends: base.yaml\n", "roster: r.csv\n",
    ]
    private static let keys =
        Set(names(of: .recipe)).sorted().map { "\($0): " } + [
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeTkYTxRC13NwRkUmqUfoEDjIWbiMNZTpCkDYq7Yg6L", "192.168.50.10/24",
        ]

    private static func names(of shape: RecipeShape) -> [String] {
        switch shape {
        case .map(let keys): keys.flatMap { [$0.name] + names(of: $0.shape) }
        case .list(let item), .oneOrMore(let item): names(of: item)
        case .text, .flag, .choice, .taggable, .taggableMap, .free: []
        }
    }
}
