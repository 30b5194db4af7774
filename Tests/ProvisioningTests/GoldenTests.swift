import Filesystems
import Foundation
import Provisioning
import Recipes
import Systems
import Testing

@Suite struct GoldenTests {
    @Test(arguments: Sample.flavours)
    func `a node that uses everything is rendered as recorded`(_ flavour: OSProfile.Flavour) async throws {
        let provision = try await Sample.provision(Sample.full(), flavour)
        try expectGolden("full-\(flavour.rawValue).txt", Self.rendered(provision))
    }

    @Test(arguments: Sample.flavours)
    func `a node with a name and a user is rendered as recorded`(_ flavour: OSProfile.Flavour) async throws {
        let provision = try await Sample.provision(Sample.bare(), flavour)
        try expectGolden("bare-\(flavour.rawValue).txt", Self.rendered(provision))
    }

    @Test(arguments: Sample.others)
    func `a node that uses everything is rendered for every other system as recorded`(_ column: SettingsTable.Column)
        async throws
    {
        let provision = try await Sample.provision(Sample.full(for: column), column)
        try expectGolden("full-\(column.slug).txt", Self.rendered(provision))
    }

    @Test(arguments: Sample.others)
    func `a node with a name and a user is rendered for every other system as recorded`(_ column: SettingsTable.Column)
        async throws
    {
        let provision = try await Sample.provision(Sample.bare(), column)
        try expectGolden("bare-\(column.slug).txt", Self.rendered(provision))
    }

    @Test func `HypriotOS before 1.12.1 gets its fixed address by ifupdown`() async throws {
        var node = Sample.full()
        node.wifi = nil
        var boot = Sample.boot(.hypriotCloudInit)
        boot.names.remove("network-config")
        boot.files["network-config"] = nil
        let provision = try await Sample.provision(node, .hypriotCloudInit, boot: boot)
        #expect(provision.text("network-config") == nil)
        try expectGolden("full-hypriot-1.12.0-wired.txt", Self.rendered(provision))
    }

    private static func rendered(_ edit: TreeChange) -> String {
        let owner = "\(edit.user):\(edit.group)" + (edit.modified.map { " modified \($0)" } ?? "")
        switch edit.action {
        case .file(let contents, let mode):
            let text = String(decoding: contents, as: UTF8.self)
            let isProgram = edit.path == "/usr/local/lib/piflash/first-boot"
            return "=== root: \(edit.path) \(String(mode, radix: 8)) \(owner)\n"
                + (isProgram ? "<the first-boot program>\n" : text)
        case .directory(let mode): return "=== root: \(edit.path)/ \(String(mode, radix: 8)) \(owner)\n"
        case .symbolicLink(let target): return "=== root: \(edit.path) -> \(target)\n"
        case .rename(let name): return "=== root: \(edit.path) renamed to \(name)\n"
        case .removal: return "=== root: \(edit.path) removed\n"
        }
    }

    /// All boot files, with base64 decoded, the first-boot program left out and the instance's digest masked, since those
    /// change with every line of the program.
    static func rendered(_ provision: Provision) -> String {
        var text = ""
        for file in provision.bootFiles {
            let consumed = file.isConsumed ? " (consumed)" : ""
            text += "=== \(file.path)\(consumed)\n" + String(decoding: file.contents, as: UTF8.self)
        }
        for change in provision.rootChanges { text += Self.rendered(change.edit) }
        for path in provision.removedBootFiles { text += "=== removed: \(path)\n" }
        for warning in provision.warnings { text += "=== \(warning)\n" }
        text = text.replacing(/content: "([A-Za-z0-9+\/=]{400,})"/) { match in
            let decoded = Data(base64Encoded: String(match.1)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            return decoded.hasPrefix("#!/bin/sh") ? "content: <the first-boot program>" : "content: <<<\n\(decoded)>>>"
        }
        // In firstrun.sh, too.
        text = text.replacing(/(put [0-7]+ .*)\n((?:[A-Za-z0-9+\/=]+\n)+)END\n/) { match in
            let encoded = match.2.filter { $0 != "\n" }
            let decoded = Data(base64Encoded: String(encoded)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            return "\(match.1)\n" + (decoded.hasPrefix("#!/bin/sh") ? "<the first-boot program>\n" : decoded) + "END\n"
        }
        text = text.replacing(/"firstrun.sh": "[0-9a-f]{12}"/, with: "\"firstrun.sh\": \"<digest>\"")
        return text.replacing(/instance-id: (piflash-.*)-[0-9a-f]{12}\n/) { "instance-id: \($0.1)-<digest>\n" }
    }
}
