import Diagnostics
import Text

@testable import Labels
@testable import Recipes
@testable import Setups

/// Templates and lists of names that people write.
extension FuzzTarget {
    static let templates = [setup, swarmRoster, labelTemplate, qrCode]

    /// A set-up of a YAML file, a CSV file and a note, filled in with values that are hard to write.
    private static let setup = FuzzTarget(
        "setup", limit: 1024, mutations: 30,
        words: [
            "#: name = red -- the name\n", "<<name>>", "<<node>>", "#if name", "#unless name", "#: count = 3 -- \n",
            "<<number>>",
        ]
    ) { bytes in
        var input = FuzzInput(bytes)
        let value = input.text()
        let files = ["a.yaml": input.part(), "b.csv": input.part(), "c.md": input.part()]
        _ = try answer {
            let template = try SetupTemplate(name: "x", files: files)
            _ = template.about
            let values = template.variables.filter { $0.name != "count" && $0.name != "name" }.map { ($0.name, value) }
            _ = try template.files(with: Dictionary(values) { first, _ in first })
        }
        var report = DiagnosticReport()
        let written = YAMLScalar.text(value)
        if let read = RecipeValue.parse("a: \(written)\n", file: "a", &report),
            case .mapping(let entries) = read.content,
            case .scalar(let text, _)? = entries.first?.value.content
        {
            try require(text.utf8.elementsEqual(value.utf8), "\(written) is read as another text")
        } else {
            throw BrokenProperty(description: "\(written) is not a text in YAML")
        }
    }

    private static let swarmRoster = FuzzTarget(
        "swarm-roster", mutations: 60, words: ["manager:\n", "worker:\n", "- red[00-04]\n"]
    ) {
        bytes in
        _ = try answer {
            let roster = try SwarmRoster(parsing: String(decoding: bytes, as: UTF8.self), file: "r.yaml")
            let draft = try RackDraft(roster, base: nil, firstAddress: "192.168.50.10/16")
            for file in draft.files {
                var report = DiagnosticReport()
                try require(RecipeValue.parse(file.text, file: file.name, &report) != nil, "\(file.name) is not YAML")
            }
        }
    }

    private static let labelTemplate = FuzzTarget(
        "label-template", limit: 512, mutations: 40,
        words: [
            "{{", "}}", "{{#nodes}}", "{{/nodes}}", "{{{link}}}", "{{^address}}", "{{>x}}", "{{!", "{{=<% %>=}}",
            "{{node}}",
        ]
    ) { bytes in
        _ = try answer {
            _ = try LabelSheet(rack: "r", labels: [.sample]).html(
                template: String(decoding: bytes, as: UTF8.self), file: "template")
        }
    }

    private static let qrCode = FuzzTarget("qr-code", limit: 2400, mutations: 15) { bytes in
        guard let code = QRCode(bytes, mask: 3) else {
            return try require(bytes.count > 2331, "no code for \(bytes.count) bytes")
        }
        try require(code.size == code.version * 4 + 17, "a size of \(code.size)")
        _ = code.svg
    }
}

extension NodeLabel {
    fileprivate static let sample = NodeLabel(
        .init(node: .sample, file: "r.yaml", columns: [.init(name: "a", value: "&<")]))
}
