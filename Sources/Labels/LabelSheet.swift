package import Diagnostics
import Mustache
import Text

/// The labels of a rack, as a page to print.
package struct LabelSheet: Sendable {
    /// In every sheet's first lines: a file with it may be replaced.
    package static let mark = "made by piflash labels"

    package var rack: String
    package var labels: [NodeLabel]

    package init(rack: String, labels: [NodeLabel]) {
        self.rack = rack
        self.labels = labels
    }

    /// Several labels a page.
    package static var labelTemplate: String { String(decoding: PackageResources.labels_mustache, as: UTF8.self) }
    /// A page a node.
    package static var handOutTemplate: String { String(decoding: PackageResources.hand_outs_mustache, as: UTF8.self) }

    /// Put before every template: Mustache's own escaping goes by Characters, and misses "<" behind U+0600.
    private static let escaping: String = {
        // Also for a template that names the type itself.
        MustacheContentTypes.register(ScalarHTML(), named: "HTML")
        return "{{% CONTENT_TYPE:HTML}}"
    }()

    private struct ScalarHTML: MustacheContentType {
        func escapeText(_ text: String) -> String { htmlEscaped(text) }
    }

    /// The sheet by a Mustache template, whose `{{name}}` are escaped for HTML; `file` is the template's, for messages.
    package func html(template: String, file: String) throws(Failure) -> String {
        let parsed: MustacheTemplate
        do { parsed = try MustacheTemplate(string: Self.escaping + template) } catch {
            throw Failure(
                .usage, severity: .usage, "\(file): no Mustache template: \(error)",
                hint: "docs/labels.md shows one; `piflash labels --print-template` prints ours")
        }
        let nodes = try values()
        return parsed.render(["rack": rack, "count": labels.count, "mark": Self.mark, "nodes": nodes] as [String: Any])
    }

    private func values() throws(Failure) -> [[String: Any]] {
        var nodes: [[String: Any]] = []
        for (index, label) in labels.enumerated() {
            guard let code = QRCode(label.link) else {
                throw Failure(.usage, severity: .usage, "\(label.node): \(label.link) is too long for a QR code")
            }
            var values: [String: Any] = [
                "node": label.node, "index": index + 1, "host": label.host, "target": label.target,
                "link": label.link, "qr": code.svg,
                "columns": label.columns.map {
                    ["name": $0.name.replacing(scalar: "_", with: " "), "value": $0.value]
                },
                // By its name, for templates that know their roster.
                "roster": Dictionary(uniqueKeysWithValues: label.columns.map { ($0.name, $0.value) }),
            ]
            // A missing value is left out, so that {{#address}} can test for it.
            values["address"] = label.address
            values["user"] = label.user
            values["seat"] = label.seat
            values["password"] = label.password
            values["keyboard_password"] = label.keyboardPassword
            nodes.append(values)
        }
        return nodes
    }

    /// The same as text, a paragraph a node.
    package var text: String {
        labels.map { label in
            var lines = [("node", label.node), ("ssh", label.target)]
            if let address = label.address { lines.append(("address", address)) }
            if let user = label.user { lines.append(("user", user)) }
            if let password = label.password { lines.append(("password", password)) }
            if let password = label.keyboardPassword { lines.append(("password (not for ssh)", password)) }
            if let seat = label.seat { lines.append(("seat", seat)) }
            lines += label.columns.map { ($0.name, $0.value) }
            let width = lines.map(\.0.count).max() ?? 0
            return lines.map { name, value in
                // One line each, whatever the roster contains, and no control characters for the terminal.
                let line = String(
                    String.UnicodeScalarView(
                        value.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
                return name + String(repeating: " ", count: width - name.count + 2) + line + "\n"
            }.joined()
        }.joined(separator: "\n")
    }
}
